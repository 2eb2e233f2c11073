"""PostHog's events to touchpoints.

An id is a user's unless the event says that nobody has been identified yet. Fields are open and lenient, as SDKs need.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from services.ingest.domain.instant import occurred_at
from services.ingest.domain.item_id import check_public, content_id, own_id
from services.ingest.domain.keys import KeyRing, identifier, plain_keys
from services.ingest.domain.kind import MAX_LENGTH, is_form, kind_of_event
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import keeping
from services.ingest.protocols.arrival import admitted, check_time, surroundings, way_in
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.posthog_parts import (
    Parted,
    account_said,
    campaign_said,
    context_kept,
    distinct_id,
    group_key,
    is_made_for_group,
    page_said,
    parted,
    told,
    traits_said,
    without_tokens,
)
from services.ingest.protocols.reading import (
    EMPTY,
    canonical,
    read_item,
    read_loosely,
    read_object,
    rewritten,
)
from services.ingest.protocols.segment_parts import Times, instant_said, money_said, part, sending_said, times_of
from services.ingest.protocols.splitting import Item
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import make
from shared.vocabulary import Code, KeyType, Kind

PROTOCOL: Final = "posthog"
ENGAGE: Final = "engage"

_IDENTIFY: Final = "$identify"
_ALIAS: Final = "$create_alias"
_GROUP: Final = "$groupidentify"
_KINDS: Final = {
    "$pageview": Kind.PAGE_VIEWED.value,
    "$pageleave": "page_left",
    "$screen": Kind.SCREEN_VIEWED.value,
    "$autocapture": "element_used",
    _IDENTIFY: Kind.IDENTIFIED.value,
    "$set": Kind.IDENTIFIED.value,
    _ALIAS: Kind.ALIASED.value,
    _GROUP: Kind.ACCOUNT_JOINED.value,
}
_USES: Final = {"click": "element_clicked", "change": "element_changed", "submit": "element_submitted"}
"""What was caught by itself, by the browser's name for it."""

_IDS: Final = ("/distinct_id", "/properties/$anon_distinct_id")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MAX_OFFSET: Final = 10**13
"""Milliseconds, 300 years: an event before 1970 is moved there anyway."""

_OF_THE_SENDING: Final = frozenset({"sent_at", "offset", "token", "$token", "api_key"})
"""What differs between an event and its retry."""


_Flat = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | float | str | bool | None
_Nested = _Flat | list[_Flat] | dict[str, _Flat]
_Deeper = _Flat | list[_Nested] | dict[str, _Nested]
_Plain = dict[str, _Flat | list[_Deeper] | dict[str, _Deeper]] | None
"""Properties that are within bounds by their types."""


class _Event(msgspec.Struct, gc=False):
    event: Any = None
    uuid: Any = None
    distinct_id: Any = None
    marked_id: Any = msgspec.field(default=None, name="$distinct_id")
    timestamp: Any = None
    offset: Any = None
    sent_at: Any = None
    ip: Any = None
    put: msgspec.Raw = msgspec.field(default=EMPTY, name="$set")
    put_once: msgspec.Raw = msgspec.field(default=EMPTY, name="$set_once")
    options: Any = None
    properties: Any = None


class _PlainEvent(_Event, gc=False):
    properties: _Plain = None


class _AnyEvent(_Event, gc=False):
    properties: msgspec.Raw = EMPTY


class _Ids(msgspec.Struct, gc=False, omit_defaults=True):
    distinct_id: str
    anon_distinct_id: Any = None


class _Said(msgspec.Struct, gc=False):
    """An event and what is read out of it everywhere."""

    event: _Event
    name: str
    kind: str
    distinct: str
    parted: Parted

    def option(self, name: str, of_old: str) -> Any:
        """What the newer protocol says among its options, and the older one among the properties."""
        options = self.event.options
        return options.get(name) if isinstance(options, dict) and name in options else self.parted.context.get(of_old)


@dataclass(frozen=True, slots=True)
class Events:
    """Reads PostHog's events. ``sent_at`` is what their envelope said; on ``/engage`` an event may have no name."""

    sent_at: Any = None
    engages: bool = False

    @property
    def protocol(self) -> str:
        """How a refused event is kept: ``posthog``, or ``posthog.engage``."""
        return f"{PROTOCOL}.{ENGAGE}" if self.engages else PROTOCOL

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        try:
            return _parse(_said(_read(item, may_hold_nul=may_hold_nul), self), item, arrival, self)
        except Refused as outcome:
            return _rejected(bytes(item), outcome.refusal, arrival, self)


def reader(call: str) -> Events:
    """What reads an event by itself."""
    return Events(engages=call == ENGAGE)


_PLAIN: Final = msgspec.json.Decoder(_PlainEvent)
_ANY: Final = msgspec.json.Decoder(_AnyEvent)


def _read(item: Item, *, may_hold_nul: bool) -> _Event:
    """The event with its properties, an object within bounds or None."""
    try:
        return read_item(_PLAIN, item, "an event", may_hold_nul=may_hold_nul)
    except Refused:
        event: _Event = read_item(_ANY, item, "an event", may_hold_nul=may_hold_nul)
        event.properties = read_object(event.properties, "/properties")
        return event


def _said(event: _Event, envelope: Events) -> _Said:
    is_nameless = event.event is None or event.event == ""
    name = _IDENTIFY if envelope.engages and is_nameless else event.event
    said = parted(event.properties or {})
    kind = _kind(name, said.context)
    distinct = distinct_id(event.distinct_id, event.marked_id, said.distinct_id)
    if not distinct:
        raise Refused(Code.MISSING, "/distinct_id", "an event needs a distinct_id")
    return _Said(event, name, kind, distinct, said)


def _parse(said: _Said, item: Item, arrival: Arrival, envelope: Events) -> Touchpoint:
    event, own, context = said.event, said.parted.own, said.parted.context
    page = page_said(said.parted)
    campaign = campaign_said(own)
    where = surroundings(told(said.parted, event.ip), arrival)
    keys, traits, previous = _person(said, arrival.secret, where.country)
    times = _times(said, envelope.sent_at, arrival.received_at)
    if said.name == _GROUP:
        own = dict(part(context, "$group_set"))
    kind = Kind.IDENTIFIED.value if said.name == _ALIAS and previous is None else said.kind
    check_time(arrival, times.original, times.sent_at)
    agreed, marks = admitted(arrival, where, kind, None, traits, own, "/properties/$set")
    item_id = _own_id(event.uuid, context) or _made_id(item, times.original, arrival)
    if arrival.is_public:
        check_public(item_id, "/uuid")
    size, terms = memoryview(item).nbytes, arrival.about.terms
    campaign, channel, rule = way_in(campaign, page, kind, size, terms)
    return Touchpoint(  # by place, as native ones are
        arrival.workspace,
        item_id,
        kind,
        channel,
        times.occurred_at,
        arrival.received_at,
        keys,
        previous,
        times.sent_at,
        PROTOCOL,
        campaign,
        page,
        money_said(own, kind) if own else None,
        where.country,
        where.device,
        group_key(context) if said.name == _GROUP else account_said(context),
        traits,
        agreed,
        _written(_Ids(said.distinct, said.parted.before or None)),
        _written(own) if own else EMPTY,
        _written(context_kept(said.parted, event.ip, terms)),
        rule,
        where.browser,
        where.os,
        where.language,
        marks,
    )


def _kind(name: Any, context: dict[str, Any]) -> str:
    if name is None or name == "":
        raise Refused(Code.MISSING, "/event", "an event needs its name")
    if not isinstance(name, str):
        raise Refused(Code.WRONG_TYPE, "/event", "the name of an event is text")
    kind = _KINDS.get(name)
    if kind is not None:
        used = context.get("$event_type") if name == "$autocapture" else None
        return _USES.get(used, kind) if isinstance(used, str) else kind
    named = kind_of_event(name)
    if not named:
        raise Refused(Code.INVALID_KIND, "/event", f"a name has letters, at most {MAX_LENGTH}, and is no other call's")
    return named


def _person(said: _Said, secret: bytes, country: str | None) -> tuple[tuple[str, ...], dict[str, Any], str | None]:
    """The keys and the traits of the person, and the user id that an alias joins."""
    traits = {} if said.name == _GROUP else _traits(said)
    asks = is_form(said.kind)
    if said.name != _ALIAS and not traits and not asks:
        return plain_keys(*_ids(said), _IDS), traits, None
    ring, previous = KeyRing(secret, country), None
    if said.name == _ALIAS:
        previous = _alias(said, ring)
    else:
        user_id, anonymous_id = _ids(said)
        ring.user_id(user_id, _IDS[0])
        ring.anonymous_id(anonymous_id, _IDS[1])
    if traits:
        ring.contact(traits)
    if asks:
        ring.contact(said.parted.own)
    return ring.strongest_first(), ring.named(traits), previous


def _ids(said: _Said) -> tuple[str | None, str | None]:
    """The user's id and the device's."""
    if _is_anonymous(said):
        return None, said.distinct
    return said.distinct, distinct_id(said.parted.before)


def _traits(said: _Said) -> dict[str, Any]:
    event, inside = said.event, said.parted
    once, put = read_object(event.put_once, "/$set_once"), read_object(event.put, "/$set")
    if not (once or put or inside.put or inside.put_once):
        return {}
    return traits_said(inside.put_once, once, inside.put, put)


def _alias(said: _Said, ring: KeyRing) -> str | None:
    """Takes in the new id. The user id that it takes the place of, None when that was only a device's."""
    new = identifier(distinct_id(said.parted.own.get("alias")), "/properties/alias")
    old = identifier(distinct_id(said.parted.distinct_id, said.distinct), "/properties/distinct_id")
    if new is None:
        raise Refused(Code.MISSING, "/properties/alias", "an alias needs the new id")
    if old is None:
        raise Refused(Code.MISSING, "/properties/distinct_id", "an alias needs the previous id")
    ring.user_id(new, "/properties/alias")
    if _is_anonymous(said):
        ring.anonymous_id(old, "/properties/distinct_id")
        return None
    return make(KeyType.USER_ID, old)


def _is_anonymous(said: _Said) -> bool:
    """Whether the id is a device's own, given before anybody was identified."""
    context = said.parted.context
    if said.name == _IDENTIFY and said.event.event:
        return False
    if isinstance(identified := context.get("$is_identified"), bool):
        return not identified
    if said.distinct == context.get("$device_id") or said.option("process_person_profile", _PROFILE) is False:
        return True
    if said.name == _GROUP:
        return is_made_for_group(said.distinct, context) or bool(_UUID.fullmatch(said.distinct))
    return False


_PROFILE: Final = "$process_person_profile"


def _times(said: _Said, sent_at: Any, received_at: int) -> Times:
    """The clock is corrected where the event and its sending are both dated; else the event is believed, or dated by
    how long before its arrival it was.
    """
    event = said.event
    original = instant_said(event.timestamp, "/timestamp")
    sent = sending_said(event.sent_at) or sending_said(sent_at)
    if original is None and _is_offset(event.offset):
        return Times(None, sent, occurred_at(received_at, received_at - int(event.offset * 1_000), None))
    if said.option("disable_skew_correction", "$ignore_sent_at") is True:
        return Times(original, sent, occurred_at(received_at, original, None))
    return times_of(original, sent, received_at)


def _is_offset(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_OFFSET


def _written(content: dict[str, Any] | _Ids) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content))


def _own_id(uuid: Any, context: dict[str, Any]) -> str | None:
    return own_id(uuid, "/uuid") or own_id(context.get("$insert_id"), "/properties/$insert_id")


def _made_id(item: Item, original: int | None, arrival: Arrival) -> str:
    return arrival.make_id() if original is None else _content_id(bytes(item), read_loosely(bytes(item)))


def _rejected(raw: bytes, refusal: Refusal, arrival: Arrival, envelope: Events) -> Rejected:
    """The event refused. What is kept of it can be read again alone, and holds no key."""
    content = read_loosely(raw)
    kept = without_tokens(content)
    if envelope.sent_at is not None and kept.get("sent_at") is None:
        kept["sent_at"] = envelope.sent_at
    payload = rewritten(kept, raw) if content and kept != content else raw
    return keeping.refused(_rejected_id(raw, content, arrival), payload, refusal)


def _rejected_id(raw: bytes, content: dict[str, Any], arrival: Arrival) -> str:
    """The id the event would have had; what cannot be read is known by its bytes."""
    inner = content.get("properties")
    try:
        named = _own_id(content.get("uuid"), inner if isinstance(inner, dict) else {})
    except Refused:
        named = None
    if named and "\0" not in named:
        return named
    return arrival.make_id() if content and not content.get("timestamp") else _content_id(raw, content)


def _content_id(raw: bytes, content: dict[str, Any]) -> str:
    return content_id(canonical({name: content[name] for name in content if name not in _OF_THE_SENDING}, raw))
