"""tragt's own touchpoints (``POST /v1/touchpoints``): one JSON object to one touchpoint, or why not."""

from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from services.ingest.domain import bounds, consent, money
from services.ingest.domain.channel import SAID
from services.ingest.domain.instant import occurred_at, parse_instant
from services.ingest.domain.item_id import check_public, content_id, own_id
from services.ingest.domain.keys import KeyRing, identifier, plain_keys
from services.ingest.domain.kind import check_kind
from services.ingest.domain.misspelt import misspelt
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import keeping
from services.ingest.protocols.arrival import Surroundings, admitted, check_time, native_surroundings, way_in
from services.ingest.protocols.click_token import unseal
from services.ingest.protocols.outcome import Arrival, Outcome
from services.ingest.protocols.reading import (
    EMPTY,
    canonical,
    check_nul,
    passed_object,
    read_loosely,
    read_object,
    refused,
)
from services.ingest.protocols.splitting import Item
from shared.contracts.touchpoint import Campaign, Money, Page, Touchpoint
from shared.identity_key import rank
from shared.vocabulary import Channel, Code, Kind

_Id = str | int | None
_T = TypeVar("_T", bound=msgspec.Struct)


class Identity(msgspec.Struct, gc=False, omit_defaults=True):
    """Who it was, by whatever the sender knows of them."""

    anonymous_id: _Id = None
    user_id: _Id = None
    email: str | None = None
    email_sha256: str | None = None
    phone: str | int | None = None
    account_id: _Id = None
    external: dict[str, _Id] = {}
    click: str | None = None


class _Money(msgspec.Struct, gc=False):
    amount: Decimal
    currency: str


class Said(msgspec.Struct, gc=False):
    """An item, its free parts undecoded."""

    kind: str
    id: str | int | None = None
    occurred_at: str | None = None
    sent_at: str | None = None
    channel: str | None = None
    identity: msgspec.Raw = EMPTY
    previous: msgspec.Raw = EMPTY
    traits: dict[str, Any] | None = None
    campaign: Campaign | None = None
    page: Page | None = None
    value: _Money | None = None
    consent: dict[str, Any] | None = None
    properties: msgspec.Raw = EMPTY
    context: msgspec.Raw = EMPTY


class _AllKnown(Said, gc=False, forbid_unknown_fields=True):
    """An item of which every field is ours, as nearly all are: what it takes to know that costs nothing."""


class _AllKnownIdentity(Identity, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """The same of an identity."""


_ITEM: Final = msgspec.json.Decoder(_AllKnown)
_ANY_ITEM: Final = msgspec.json.Decoder(Said)
_IDENTITY: Final = msgspec.json.Decoder(_AllKnownIdentity)
_ANY_IDENTITY: Final = msgspec.json.Decoder(Identity)
_UNKNOWN: Final = "Object contains unknown field"
_OBJECTS: Final = frozenset(
    {"identity", "previous", "external", "traits", "campaign", "page", "value", "consent", "properties", "context"}
)
_JOINING: Final = frozenset({Kind.ALIASED.value, Kind.UNLINKED.value})
_NOBODY: Final = Identity()
_IDS: Final = ("/identity/user_id", "/identity/anonymous_id")
_LEVELS: Final = 2
"""An identity is an object that may hold one, ``external``."""
_NOTHING: Final = frozenset({b"{}", b"null"})
_FAULTS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CHANNELS: Final = {channel.value: channel.value for channel in Channel}


PROTOCOL: Final = "native"

Times = tuple[int | None, int | None]
"""When it happened and when it was sent by the client's clock, in microseconds."""

UNTOLD: Final[Times] = (None, None)


class Read(NamedTuple):
    """What has been read of an item, and may be kept: checked, and within bounds.

    ``value`` is exact. ``size`` is that of the item in bytes. ``device`` is its class where no user agent says it.
    """

    identity: Identity
    identity_as_sent: msgspec.Raw
    where: Surroundings
    context: msgspec.Raw
    properties: msgspec.Raw
    value: Money | None
    times: Times
    size: int
    protocol: str = PROTOCOL
    device: str | None = None


class NativeReader:
    """Reads tragt's own items, each of which says all there is to say."""

    protocol: Final = PROTOCOL

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        return parse(item, arrival, may_hold_nul=may_hold_nul)


READER: Final = NativeReader()


def parse(item: Item, arrival: Arrival, *, may_hold_nul: bool = False) -> Outcome:
    """The touchpoint in ``item``, or its rejection. Never raises."""
    try:
        return _parse(item, arrival, may_hold_nul=may_hold_nul)
    except Refused as outcome:
        raw, refusal = bytes(item), outcome.refusal
        if refusal.code == Code.NO_IDENTITY:
            refusal = Refusal(refusal.code, refusal.pointer, f"{refusal.detail} in `identity`")
        return keeping.refused(id_of_refused(raw, arrival), raw, refusal)


def _parse(item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Touchpoint:
    size = memoryview(item).nbytes
    said = decoded(item, size, may_hold_nul=may_hold_nul)
    times = times_of(said)
    item_id = own_id(said.id, "/id") or _made_id(item, times[0], arrival)
    return touchpoint(said, item_id, read_of(said, size, times, arrival), arrival)


def times_of(said: Said) -> Times:
    """When it says it happened and was sent. Raises Refused."""
    original = parse_instant(said.occurred_at, "/occurred_at") if said.occurred_at else None
    return original, parse_instant(said.sent_at, "/sent_at") if said.sent_at else None


def read_of(said: Said, size: int, times: Times, arrival: Arrival) -> Read:
    """Its parts, read. Raises Refused."""
    where, context = native_surroundings(said.context, "/context", arrival)
    properties = passed_object(said.properties, "/properties")
    if said.traits:
        bounds.check(said.traits, "/traits")
    identity = identity_in(said.identity, "/identity", _IDENTITY)
    as_sent = EMPTY if identity is _NOBODY else said.identity
    value = None if said.value is None else _money(said.value)
    return Read(identity, as_sent, where, context, properties, value, times, size)


def touchpoint(said: Said, item_id: str, read: Read, arrival: Arrival) -> Touchpoint:
    """The touchpoint of an item of any protocol that has been read. Raises Refused."""
    identity, as_sent, where, context, properties, value, times, size, protocol, device = read
    kind = said.kind
    is_joining = _check_kind(kind, arrival)
    words = consent.said_of(said.consent, "/consent") if said.consent else None
    keys, traits = _person(identity, said, arrival, where.country)
    campaign, channel, rule = way_in(said.campaign, said.page, kind, size, arrival.about.terms)
    agreed, marks = admitted(arrival, where, kind, words, traits, properties)
    original, sent_at = times
    check_time(arrival, original, sent_at)
    if arrival.is_public:
        check_public(item_id, "/id")
    return Touchpoint(  # by place: by name costs five times as much, and this is done for every touchpoint
        arrival.workspace,
        item_id,
        kind,
        channel if said.channel is None else _channel(said.channel),
        occurred_at(arrival.received_at, original, sent_at),
        arrival.received_at,
        keys,
        _previous(said, keys, arrival.secret, where.country) if is_joining else None,
        sent_at,
        protocol,
        campaign,
        said.page,
        value,
        where.country,
        where.device or device,
        None if identity.account_id is None else identifier(identity.account_id, "/identity/account_id"),
        traits,
        agreed,
        as_sent,
        properties,
        context,
        rule if said.channel is None else SAID,
        where.browser,
        where.os,
        where.language,
        marks,
    )


def _check_kind(kind: str, arrival: Arrival) -> bool:
    """Whether it is a kind that joins or cuts identities. Raises Refused."""
    check_kind(kind, "/kind")
    if kind not in _JOINING:
        return False
    if kind == Kind.UNLINKED and not arrival.may_split:
        raise Refused(Code.INVALID_KIND, "/kind", "unlinked takes a secret key with the scope leads:write")
    return True


def decoded(item: Item, size: int, *, may_hold_nul: bool) -> Said:
    """The item of so many bytes. Raises Refused."""
    said: Said
    try:
        said = _ITEM.decode(item)
    except _FAULTS as error:
        if isinstance(error, msgspec.ValidationError) and bytes(item).lstrip()[:1] != b"{":
            raise Refused(Code.NOT_AN_OBJECT, "", "a touchpoint is an object") from None
        said = _despite(error, bytes(item), _ANY_ITEM, "")
    if size > bounds.MAX_ITEM_BYTES:
        raise Refused(Code.TOO_LARGE, "", f"a touchpoint has at most {bounds.MAX_ITEM_BYTES} bytes")
    if may_hold_nul:
        check_nul(bytes(item))
    return said


def identity_in(
    raw: msgspec.Raw,
    pointer: str,
    decoder: msgspec.json.Decoder[_AllKnownIdentity] | msgspec.json.Decoder[Identity] = _ANY_IDENTITY,
) -> Identity:
    """The identity at the pointer; what else stands in it is within bounds. Raises Refused."""
    data = bytes(raw)
    if data in _NOTHING:
        return _NOBODY
    try:
        identity: Identity = decoder.decode(raw)
    except _FAULTS as error:
        identity = _despite(error, data, _ANY_IDENTITY, pointer)
    if not data.isascii() or data.find(b"[") >= 0 or data.count(b"{") > _LEVELS:
        read_object(raw, pointer)  # it is kept as sent, and the decoder passes over what it does not know
    return identity


def _despite(error: Exception, data: bytes, decoder: msgspec.json.Decoder[_T], pointer: str) -> _T:
    """What was not decoded for fields that are not ours, which are passed over, unless one is ours misspelt.

    Raises Refused, also for whatever else it was not decoded for.
    """
    if not str(error).startswith(_UNKNOWN):
        raise refused(error, data, pointer) from None
    try:
        said = decoder.decode(data)
    except _FAULTS as other:
        raise refused(other, data, pointer) from None
    found = misspelt(read_loosely(data), said.__struct_fields__, _OBJECTS)
    if found is not None:
        name, meant = found
        raise Refused(Code.UNKNOWN_FIELD, f"{pointer}/{name}", f"there is no {name} here; is it {meant}?") from None
    return said


def _person(
    identity: Identity, said: Said, arrival: Arrival, country: str | None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The keys and the traits of the person."""
    if not said.traits and _is_plain(identity):
        return plain_keys(identity.user_id, identity.anonymous_id, _IDS), {}
    ring = KeyRing(arrival.secret, country)
    _collect(ring, identity, "/identity")
    if identity.click is not None:
        ring.proved(unseal(identity.click, arrival.received_at, arrival.secret))
    traits = said.traits or {}
    if traits:
        ring.contact(traits)
    return ring.strongest_first(), traits if said.kind in _JOINING else ring.named(traits)


def _is_plain(identity: Identity) -> bool:
    return not (identity.email or identity.email_sha256 or identity.phone or identity.external or identity.click)


def _collect(ring: KeyRing, identity: Identity, pointer: str) -> None:
    if identity.user_id is not None:
        ring.user_id(identity.user_id, f"{pointer}/user_id")
    if identity.anonymous_id is not None:
        ring.anonymous_id(identity.anonymous_id, f"{pointer}/anonymous_id")
    if identity.email is not None:
        ring.email(identity.email)
    if identity.email_sha256 is not None:
        ring.email_sha256(identity.email_sha256)
    if identity.phone is not None:
        ring.phone(identity.phone)
    for system, value in identity.external.items():
        ring.external(system, value, f"{pointer}/external/{system}")


def _previous(said: Said, keys: tuple[str, ...], secret: bytes, country: str | None) -> str:
    """The key an alias joins, or the owner a split cuts from; those two kinds need exactly one."""
    ring = KeyRing(secret, country)
    _collect(ring, identity_in(said.previous, "/previous", _IDENTITY), "/previous")
    try:
        (previous,) = ring.strongest_first()
    except (Refused, ValueError):
        raise Refused(Code.MISSING, "/previous", f"{said.kind} needs `previous` with exactly one key") from None
    if said.kind == Kind.UNLINKED and len(keys) != 1:
        raise Refused(Code.UNKNOWN_VALUE, "/identity", "unlinked carries exactly the key to be cut")
    if said.kind == Kind.ALIASED and not rank(previous) == rank(keys[0]) == rank("5"):
        raise Refused(Code.UNKNOWN_VALUE, "/previous", "aliased joins a previous user id to a user id")
    return previous


def _channel(said: str) -> str:
    channel = _CHANNELS.get(said)
    if channel is None:
        raise Refused(Code.UNKNOWN_VALUE, "/channel", f"a channel is one of {', '.join(_CHANNELS)}")
    return channel


def _money(said: _Money) -> Money:
    currency = money.currency_code(said.currency, "/value/currency")
    return Money(money.amount_text(said.amount, "/value/amount"), currency)


def _made_id(item: Item, original: int | None, arrival: Arrival) -> str:
    if original is None:
        return arrival.make_id()
    raw = bytes(item)
    content = read_loosely(raw)
    content.pop("sent_at", None)
    return content_id(canonical(content, raw))


def id_of_refused(raw: bytes, arrival: Arrival) -> str:
    """The id the item would have had; what cannot be read is known by its bytes."""
    content = read_loosely(raw)
    try:
        named = own_id(content.get("id"), "/id")
    except Refused:
        named = None
    if named and "\0" not in named:
        return named
    if content and not content.get("occurred_at"):
        return arrival.make_id()
    content.pop("sent_at", None)
    return content_id(canonical(content, raw))
