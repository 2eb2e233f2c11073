"""Segment's calls: identify, page, screen, track, group, alias, alone or in a batch, to touchpoints.

Fields are open and lenient, as SDKs need: null, empty text and numeric ids are normal, unknown fields are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.ingest.domain.item_id import check_public, content_id, own_id
from services.ingest.domain.keys import KeyRing, identifier, plain_keys
from services.ingest.domain.kind import MAX_LENGTH, is_form, kind_of_event
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import keeping
from services.ingest.protocols.arrival import admitted, check_time, truncated, way_in
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.reading import (
    EMPTY,
    canonical,
    read_item,
    read_loosely,
    read_object,
    rewritten,
)
from services.ingest.protocols.segment_parts import (
    EMPTY_OBJECT,
    Times,
    context_said,
    instant_said,
    money_said,
    page_said,
    sending_said,
    text,
    times_of,
)
from services.ingest.protocols.splitting import Item
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import make, rank
from shared.vocabulary import KEY_RANKS, WITHHELD, Code, KeyType, Kind

PROTOCOL: Final = "segment"
CALLS: Final = ("track", "identify", "page", "screen", "group", "alias")

_KINDS: Final = {
    "identify": Kind.IDENTIFIED.value,
    "page": Kind.PAGE_VIEWED.value,
    "screen": Kind.SCREEN_VIEWED.value,
    "group": Kind.ACCOUNT_JOINED.value,
    "alias": Kind.ALIASED.value,
}
_MAX_ACCOUNT: Final = 512
_IDS: Final = ("/userId", "/anonymousId")

_OF_THE_SENDING: Final = frozenset({"sentAt", "writeKey", "_metadata"})
"""What differs between an item and its retry."""


class Stamped(msgspec.Struct, gc=False):
    """A call as sent; here its instants."""

    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815 -- names on the wire
    sentAt: Any = None  # noqa: N815


class _Call(Stamped, gc=False):
    type: Any = None
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    groupId: Any = None  # noqa: N815
    messageId: Any = None  # noqa: N815
    event: Any = None
    name: Any = None
    category: Any = None
    properties: msgspec.Raw = EMPTY
    traits: msgspec.Raw = EMPTY
    context: msgspec.Raw = EMPTY


class _Ids(msgspec.Struct, gc=False, omit_defaults=True):
    user_id: Any = None
    anonymous_id: Any = None


def _times(said: Stamped, sent_at: Any, received_at: int) -> Times:
    """Both of the client's times correct its clock, in its own words or in those of the batch."""
    original = instant_said(said.timestamp, "/timestamp") or instant_said(said.originalTimestamp, "/originalTimestamp")
    return times_of(original, sending_said(said.sentAt) or sending_said(sent_at), received_at)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Whose calls they are. RudderStack's are Segment's but for their times: ``times`` takes a call, what the batch
    says of its sending, and the instant of arrival.
    """

    name: str
    times: Callable[[Stamped, Any, int], Times]


SEGMENT: Final = Dialect(PROTOCOL, _times)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a batch says for all of its items; ``call`` is the type that the path implies."""

    sent_at: Any = None
    context: Mapping[str, Any] | None = None
    call: str | None = None
    dialect: Dialect = SEGMENT

    @property
    def protocol(self) -> str:
        """How a refused item is kept, so that it can be read again: ``segment``, or ``segment.track``."""
        return self.dialect.name if self.call is None else f"{self.dialect.name}.{self.call}"

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        return parse(item, arrival, self, may_hold_nul=may_hold_nul)


_CALL: Final = msgspec.json.Decoder(_Call)


def parse(item: Item, arrival: Arrival, envelope: Envelope, *, may_hold_nul: bool = False) -> Outcome:
    """The touchpoint in ``item``, or its rejection. Never raises."""
    try:
        return _parse(_read(item, may_hold_nul=may_hold_nul), item, arrival, envelope)
    except Refused as outcome:
        return rejected(bytes(item), outcome.refusal, arrival, envelope)


def rejected(raw: bytes, refusal: Refusal, arrival: Arrival, envelope: Envelope) -> Rejected:
    """The item refused. What is kept of it can be read again alone: it says itself what its batch said for it."""
    content = read_loosely(raw)
    payload = b"" if refusal.code in WITHHELD else _kept(raw, content, envelope)
    return keeping.refused(_rejected_id(raw, content, arrival), payload, refusal)


def _read(item: Item, *, may_hold_nul: bool) -> _Call:
    return read_item(_CALL, item, "an event", may_hold_nul=may_hold_nul)


def _parse(said: _Call, item: Item, arrival: Arrival, envelope: Envelope) -> Touchpoint:
    call = envelope.call or said.type
    kind = _kind(call, said.event)
    (context, page, search, campaign), where = context_said(said.context, envelope.context or EMPTY_OBJECT, arrival)
    properties = read_object(said.properties, "/properties")
    traits = read_object(said.traits, "/traits")
    if call == "page" and properties:
        page = page_said(context, properties)
    keys, person = _person(said, call, kind, (context, properties, traits), arrival.secret, where.country)
    times = envelope.dialect.times(said, envelope.sent_at, arrival.received_at)
    check_time(arrival, times.original, times.sent_at)
    kept = _properties(said, call, properties, traits)
    agreed, marks = admitted(arrival, where, kind, None, person, kept)
    item_id = own_id(said.messageId, "/messageId") or _made_id(item, times.original, arrival)
    if arrival.is_public:
        check_public(item_id, "/messageId")
    terms, query = arrival.about.terms, search or text(properties, "search") or ""
    campaign, channel, rule = way_in(campaign, page, kind, memoryview(item).nbytes, terms, query)
    return Touchpoint(  # by place, as native ones are
        arrival.workspace,
        item_id,
        kind,
        channel,
        times.occurred_at,
        arrival.received_at,
        keys,
        _previous(said, keys) if call == "alias" else None,
        times.sent_at,
        envelope.dialect.name,
        campaign,
        page,
        money_said(properties, kind) if properties else None,
        where.country,
        where.device,
        _account(said, context, call),
        person,
        agreed,
        _identity(said),
        kept,
        truncated(_written(context) if envelope.context else said.context, context, terms),
        rule,
        where.browser,
        where.os,
        where.language,
        marks,
    )


def _kind(call: Any, event: Any) -> str:
    kind = _KINDS.get(call) if isinstance(call, str) else None
    if kind is not None:
        return kind
    if call != "track":
        code = Code.MISSING if call is None else Code.UNKNOWN_VALUE
        raise Refused(code, "/type", f"type is one of {', '.join(CALLS)}")
    if event is None or event == "":
        raise Refused(Code.MISSING, "/event", "track needs the name of the event")
    if not isinstance(event, str):
        raise Refused(Code.WRONG_TYPE, "/event", "the name of an event is text")
    named = kind_of_event(event)
    if not named:
        raise Refused(Code.INVALID_KIND, "/event", f"a name has letters, at most {MAX_LENGTH}, and is no other call's")
    return named


def _person(
    said: _Call,
    call: Any,
    kind: str,
    told: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]],
    secret: bytes,
    country: str | None,
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The keys and the traits of the person. The traits of a ``group`` call are those of the account."""
    context, properties, traits = told
    person = context.get("traits")
    person = person if isinstance(person, dict) else {}
    is_telling = call != "group" and traits
    if not person and not is_telling and not is_form(kind):
        return plain_keys(said.userId, said.anonymousId, _IDS), {}
    ring = KeyRing(secret, country)
    ring.user_id(said.userId, "/userId")
    ring.anonymous_id(said.anonymousId, "/anonymousId")
    if is_telling:
        ring.contact(person)
        person = {**person, **traits}
    if person:
        ring.contact(person)
    if properties and is_form(kind):
        ring.contact(properties)
    return ring.strongest_first(), ring.named(person)


def _previous(said: _Call, keys: tuple[str, ...]) -> str:
    previous = identifier(said.previousId, "/previousId")
    if previous is None:
        raise Refused(Code.MISSING, "/previousId", "alias needs the previous id")
    if rank(keys[0]) != KEY_RANKS[KeyType.USER_ID]:
        raise Refused(Code.MISSING, "/userId", "alias needs the new user id")
    return make(KeyType.USER_ID, previous)


def _account(said: _Call, context: Mapping[str, Any], call: Any) -> str | None:
    if call == "group":
        return identifier(said.groupId, "/groupId")
    group = context.get("groupId")
    return group[:_MAX_ACCOUNT] if isinstance(group, str) and group else None


def _identity(said: _Call) -> msgspec.Raw:
    user, device = said.userId, said.anonymousId
    return _written(_Ids(None if user == "" else user, None if device == "" else device))


def _properties(said: _Call, call: Any, properties: dict[str, Any], traits: dict[str, Any]) -> msgspec.Raw:
    """The properties as sent; a page's name goes into them, and what a group call says about the account."""
    if call == "group":
        return said.traits if traits else EMPTY
    if call in {"page", "screen"} and (said.name or said.category):
        names = {"name": said.name, "category": said.category}
        return _written({**{name: text for name, text in names.items() if isinstance(text, str)}, **properties})
    return said.properties if properties else EMPTY


def _written(content: Mapping[str, Any] | _Ids) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content))


def _made_id(item: Item, original: int | None, arrival: Arrival) -> str:
    return arrival.make_id() if original is None else _content_id(bytes(item), read_loosely(bytes(item)))


def _rejected_id(raw: bytes, content: dict[str, Any], arrival: Arrival) -> str:
    """The id the item would have had; what cannot be read is known by its bytes."""
    try:
        named = own_id(content.get("messageId"), "/messageId")
    except Refused:
        named = None
    if named and "\0" not in named:
        return named
    has_time = content.get("timestamp") or content.get("originalTimestamp")
    return arrival.make_id() if content and not has_time else _content_id(raw, content)


def _kept(raw: bytes, content: dict[str, Any], envelope: Envelope) -> bytes:
    """The item with the words of its batch and without the key; as it came when there is nothing to change."""
    kept = {name: value for name, value in content.items() if name != "writeKey"}
    if envelope.sent_at is not None and kept.get("sentAt") is None:
        kept["sentAt"] = envelope.sent_at
    own = kept.get("context")
    if envelope.context and (own is None or isinstance(own, dict)):
        kept["context"] = {**envelope.context, **(own or {})}
    return rewritten(kept, raw) if content and kept != content else raw


def _content_id(raw: bytes, content: dict[str, Any]) -> str:
    return content_id(canonical({name: content[name] for name in content if name not in _OF_THE_SENDING}, raw))
