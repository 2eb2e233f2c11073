"""Instants as people write them, and what an instant was by our clock."""

from datetime import UTC, datetime
from typing import Final

from services.ingest.domain.refusal import Refused
from shared.clock import from_datetime
from shared.vocabulary import Code

_DETAIL: Final = "an instant reads 2026-11-25T18:00:00Z, of a year from 1970 to 9999"


def parse_instant(text: str, pointer: str) -> int:
    """Microseconds of an RFC 3339 instant; without an offset it is taken as UTC. Raises Refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(Code.INVALID_INSTANT, pointer, _DETAIL) from None
    instant = from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    if instant < 0:
        raise Refused(Code.OUT_OF_RANGE, pointer, _DETAIL)
    return instant


def occurred_at(received_at: int, original: int | None, sent_at: int | None) -> int:
    """When it happened by our clock, all in microseconds.

    With both of the client's times its clock cancels out: received - (sent - original). With one, it is believed. What
    would lie after its own arrival, or before 1970, is moved to the nearest instant that is possible.
    """
    if original is None:
        return received_at
    if sent_at is not None:
        original = received_at - (sent_at - original)
    return max(0, min(original, received_at))


def check_span(received_at: int, original: int, sent_at: int | None, past: int | None, ahead: int | None) -> None:
    """Raise Refused when it happened more than ``past`` before its arrival, or ``ahead`` after it, by our clock."""
    happened = original if sent_at is None else received_at - (sent_at - original)
    if past is not None and received_at - happened > past:
        raise Refused(
            Code.OUT_OF_RANGE, "/occurred_at", "older than this key may bring; a secret key may bring history"
        )
    if ahead is not None and happened - received_at > ahead:
        raise Refused(Code.OUT_OF_RANGE, "/occurred_at", "further in the future than this workspace takes")
