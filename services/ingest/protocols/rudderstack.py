"""RudderStack's calls: Segment's with times of their own and one call more; a batch is taken whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import segment
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely
from services.ingest.protocols.segment import Dialect, Envelope, Stamped
from services.ingest.protocols.segment_parts import Times, sending_said, times_of
from services.ingest.protocols.splitting import FAULTS, Item
from shared.vocabulary import Code

PROTOCOL: Final = "rudderstack"
MERGE: Final = "merge"

NOT_AN_EVENT: Final = Refusal(Code.NOT_AN_OBJECT, "", "event is not a valid rudder event")
NOBODY: Final = Refusal(Code.NO_IDENTITY, "", "request neither has anonymousId nor userId")

_MEMBERS: Final = {
    "userid": "userId",
    "user_id": "userId",
    "anonymousid": "anonymousId",
    "anonymous_id": "anonymousId",
    "email": "email",
    "phone": "phone",
}
"""What a merge joins, and where it stands in the call that says the same."""


class _Ids(msgspec.Struct, gc=False):
    type: Any = None
    userId: Any = None  # noqa: N815 -- names on the wire
    anonymousId: Any = None  # noqa: N815


_IDS: Final = msgspec.json.Decoder(_Ids)


def _times(said: Stamped, sent_at: Any, received_at: int) -> Times:
    """A ``timestamp`` is believed as it is; else the clock of the client is corrected. What is no time is none."""
    sent = sending_said(said.sentAt) or sending_said(sent_at)
    stated = sending_said(said.timestamp)
    if stated is not None:
        return Times(stated, sent, times_of(stated, None, received_at).occurred_at)
    return times_of(sending_said(said.originalTimestamp), sent, received_at)


DIALECT: Final = Dialect(PROTOCOL, _times)


@dataclass(frozen=True, slots=True)
class Calls:
    """Reads RudderStack's items. ``envelope`` is what their batch said of them."""

    envelope: Envelope

    @property
    def protocol(self) -> str:
        """How a refused item is kept: ``rudderstack``, or ``rudderstack.track``."""
        return self.envelope.protocol

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        if self.envelope.call == MERGE or (self.envelope.call is None and b'"merge' in bytes(item)):
            content = read_loosely(bytes(item))
            if MERGE in {self.envelope.call, _type_of(content)}:
                return self._merged(bytes(item), content, arrival, may_hold_nul=may_hold_nul)
        return segment.parse(item, arrival, self.envelope, may_hold_nul=may_hold_nul)

    def _merged(self, raw: bytes, content: dict[str, Any], arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """A merge as the call that says the same: an identify, or an alias of two user ids."""
        try:
            said = _call_of(content)
        except Refused as fault:
            return segment.rejected(raw, fault.refusal, arrival, self.envelope)
        envelope = replace(self.envelope, call=said["type"])
        outcome = segment.parse(msgspec.json.encode(said), arrival, envelope, may_hold_nul=may_hold_nul)
        if isinstance(outcome, Rejected):
            return segment.rejected(raw, outcome.refusal, arrival, self.envelope)
        return outcome


@dataclass(frozen=True, slots=True)
class Together:
    """Refuses every item for the fault of one: RudderStack answers for a batch as a whole. Each is kept by itself."""

    envelope: Envelope
    refusal: Refusal

    @property
    def protocol(self) -> str:
        """As the items would have been kept one by one."""
        return self.envelope.protocol

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:  # noqa: ARG002 -- a reader's
        """The rejection. Never raises."""
        return segment.rejected(bytes(item), self.refusal, arrival, self.envelope)


def reader(call: str) -> Calls:
    """What reads an item by itself; ``call`` is empty where the item says it."""
    return Calls(Envelope(call=call or None, dialect=DIALECT))


def as_rudderstack(parcel: Parcel) -> Parcel:
    """A parcel of Segment's calls as RudderStack means them."""
    if not isinstance(parcel.reader, Envelope):
        return parcel
    envelope = replace(parcel.reader, dialect=DIALECT)
    split = parcel.split
    fault = None if split.refusal is not None else _fault_of(split.items, envelope.call)
    return replace(parcel, reader=Calls(envelope) if fault is None else Together(envelope, fault))


def _fault_of(items: Sequence[Item], call: str | None) -> Refusal | None:
    """Why the batch is refused, None when it is not: something in it is no event, or is nobody's."""
    for item in items:
        try:
            said = _IDS.decode(item)
        except FAULTS:
            return NOT_AN_EVENT
        if _is_blank(said.userId) and _is_blank(said.anonymousId) and MERGE not in {call, _text(said.type)}:
            return NOBODY
    return None


def _call_of(content: dict[str, Any]) -> dict[str, Any]:
    """The call that joins what the merge joins. Raises Refused."""
    joined = content.get("mergeProperties")
    if not isinstance(joined, list) or len(joined) != len(("one", "other")):
        raise Refused(Code.MISSING, "/mergeProperties", "a merge names two identifiers")
    (one, first), (other, second) = [_member(said, index) for index, said in enumerate(joined)]
    rest = {name: value for name, value in content.items() if name not in {"type", "userId", "anonymousId", "traits"}}
    if one == other == "userId":
        return {**rest, "type": "alias", "userId": first, "previousId": second}
    if one == other:
        raise Refused(Code.UNKNOWN_VALUE, "/mergeProperties/1/type", "two of a kind join only when they are user ids")
    said = {one: first, other: second}
    traits = {name: said.pop(name) for name in ("email", "phone") if name in said}
    return {**rest, "type": "identify", **said, "traits": traits}


def _member(said: Any, index: int) -> tuple[str, Any]:
    name = said.get("type") if isinstance(said, dict) else None
    member = _MEMBERS.get(name.lower()) if isinstance(name, str) else None
    if member is None:
        detail = "an identifier is a userId, an anonymousId, an email or a phone"
        raise Refused(Code.UNKNOWN_VALUE, f"/mergeProperties/{index}/type", detail)
    return member, said.get("value")


def _type_of(content: dict[str, Any]) -> str:
    return _text(content.get("type"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
