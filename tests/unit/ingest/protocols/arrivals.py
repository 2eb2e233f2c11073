"""A request's circumstances for parser tests, and what became of an item."""

from typing import Any

import msgspec

from services.ingest.protocols import native, posthog, rudderstack, segment
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.parcel import Parcel
from shared.clock import SECOND
from shared.contracts.touchpoint import Touchpoint

NOW = 1_795_000_000 * SECOND
SECRET = b"s" * 32
ARRIVAL = Arrival(workspace="w-1", secret=SECRET, received_at=NOW, make_id=lambda: "made", may_split=True)


def as_bytes(item: Any) -> bytes:
    """JSON of an item, or the bytes it already is."""
    return item if isinstance(item, bytes) else msgspec.json.encode(item)


def taken(outcome: Outcome) -> Touchpoint:
    """The touchpoint; fails with the reason when it was refused."""
    assert isinstance(outcome, Touchpoint), outcome
    return outcome


def turned_down(outcome: Outcome) -> Rejected:
    """The rejection; fails when it was taken."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def outcomes_of(parcel: Parcel) -> list[Outcome]:
    """As the door reads a request that was taken apart."""
    nul = parcel.split.may_hold_nul
    return [parcel.reader.read(item, ARRIVAL, may_hold_nul=nul) for item in parcel.split.items]


def read_native(item: Any) -> Outcome:
    """As the door reads one native item."""
    raw = as_bytes(item)
    return native.parse(raw, ARRIVAL, may_hold_nul=b"\\u0000" in raw)


def read_segment(item: Any, envelope: segment.Envelope | None = None) -> Outcome:
    """As the door reads one Segment item."""
    raw = as_bytes(item)
    return segment.parse(raw, ARRIVAL, envelope or segment.Envelope(), may_hold_nul=b"\\u0000" in raw)


def read_rudderstack(item: Any, envelope: segment.Envelope | None = None) -> Outcome:
    """As the door reads one RudderStack item."""
    raw = as_bytes(item)
    reader = rudderstack.Calls(envelope or segment.Envelope(dialect=rudderstack.DIALECT))
    return reader.read(raw, ARRIVAL, may_hold_nul=b"\\u0000" in raw)


def read_posthog(item: Any, envelope: posthog.Events | None = None) -> Outcome:
    """As the door reads one PostHog event."""
    raw = as_bytes(item)
    return (envelope or posthog.Events()).read(raw, ARRIVAL, may_hold_nul=b"\\u0000" in raw)
