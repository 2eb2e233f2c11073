"""Trying a hook's document on a body, as if it came, with nobody's keys and nothing kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from services.ingest.domain.schema import Mode, Violation
from services.ingest.protocols.arrival import violations
from services.ingest.protocols.mapping import KEPT_WHOLE, native_of
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected, Schemas
from services.ingest.protocols.webhook import Knock, Provider, open_hook
from services.ingest.protocols.webhook_bodies import json_value

_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Sample:
    """A body as it will come."""

    body: bytes
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one item; ``native`` is the touchpoint that the mapping makes of it, if it makes one.

    ``warned`` is what a schema that only warns would say of it.
    """

    native: dict[str, Any] | None
    outcome: Outcome
    warned: Sequence[Violation] = ()


def tried(provider: Provider, sample: Sample, now: int, schemas: Schemas | None = None) -> list[Tried]:
    """Each item of the body, in order, as the workspace with these schemas in force would take it.

    A body that cannot be taken apart is one refused item.
    """
    arrival = Arrival(
        workspace="", secret=_NOBODY, received_at=now, make_id=lambda: "made when it comes", schemas=schemas
    )
    headers = {b"content-type": sample.content_type.encode()}
    knock = Knock(method="POST", url="", query={}, headers=headers, body=sample.body, now=now)
    parcel = open_hook(provider, knock)
    refusal = parcel.split.refusal
    if refusal is not None:
        return [Tried(None, Rejected("", refusal, b""))]
    found = []
    for item in parcel.split.items:
        outcome = parcel.reader.read(item, arrival, may_hold_nul=False)
        found.append(Tried(_native(provider, bytes(item)), outcome, _warned(outcome, schemas or {})))
    return found


def shown(one: Tried) -> dict[str, Any]:
    """As JSON: the touchpoint and its channel, or why it would be refused; and what schemas warn of."""
    outcome = one.outcome
    if isinstance(outcome, Rejected):
        why = outcome.refusal
        refused = {"code": why.code.value, "pointer": why.pointer, "detail": why.detail}
        return {"touchpoint": one.native, "channel": None, "refused": refused, "warnings": []}
    warnings = [{"pointer": warned.pointer, "detail": warned.detail} for warned in one.warned]
    return {"touchpoint": one.native, "channel": outcome.channel, "refused": None, "warnings": warnings}


def unfilled(provider: Provider, found: Sequence[Tried]) -> list[str]:
    """Parts of a touchpoint that the mapping names and that it found in no item, as pointers into the mapping.

    A name that was misspelt, or what this body only happens not to have. Of items of which nothing was made nothing is
    said.
    """
    made = [one.native for one in found if one.native is not None]
    mapping = provider.mapping
    named = {
        "id": bool(mapping.id),
        "occurred_at": mapping.occurred_at is not None,
        "sent_at": mapping.sent_at is not None,
        "channel": mapping.channel is not None,
    }
    missing = [f"/{name}" for name, is_asked in named.items() if is_asked and not any(name in one for one in made)]
    for part, fields in mapping.parts.items():
        there = {field for one in made for field in _part(one, part)}
        missing += [f"/{part}/{field}" for field in fields if field != KEPT_WHOLE and field not in there]
    return missing if made else []


def _part(native: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    whole = native.get("identity", {}) if name == "external" else native
    found: Mapping[str, Any] = whole.get(name, {})
    return found


def _warned(outcome: Outcome, schemas: Schemas) -> Sequence[Violation]:
    in_force = None if isinstance(outcome, Rejected) else schemas.get(outcome.kind)
    if isinstance(outcome, Rejected) or in_force is None or in_force.mode is not Mode.WARN:
        return ()
    return violations(in_force, outcome.properties, outcome.traits)


def _native(provider: Provider, item: bytes) -> dict[str, Any] | None:
    try:
        return native_of(provider.mapping, json_value(item))
    except Refused:
        return None
