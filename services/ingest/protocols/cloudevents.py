"""CloudEvents 1.0 to touchpoints. An item is always an event in the JSON format, however it was sent."""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from services.ingest.domain import consent
from services.ingest.domain.kind import MAX_LENGTH, kind_of_event
from services.ingest.domain.refusal import Refused
from services.ingest.protocols import native
from services.ingest.protocols.outcome import Arrival
from services.ingest.protocols.segment_parts import campaign_said, instant_said, money_said, part, text
from services.ingest.protocols.translating import (
    Translated,
    Translating,
    id_by_content,
    page_at,
    placed,
    read_inside,
    read_of,
)
from shared.vocabulary import Channel, Code

PROTOCOL: Final = "cloudevents"
NATIVE_TYPE: Final = "tragt.touchpoint"
"""The type of an event whose data is a touchpoint of ours."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "user_id": ("user_id", "userId", "customer_id", "customerId"),
    "anonymous_id": ("anonymous_id", "anonymousId", "device_id", "deviceId", "visitor_id", "visitorId"),
    "email": ("email", "email_address", "emailAddress"),
    "phone": ("phone", "phone_number", "phoneNumber"),
    "account_id": ("account_id", "accountId", "company_id", "companyId"),
}
"""By which names the data of any other event tells who it is; the first that is there counts."""

_NAMES: Final = {name: ours for ours, names in KEYS.items() for name in names}
_ORDER: Final = list(_NAMES).index
_REQUIRED: Final = ("specversion", "id", "source", "type")
_CORE: Final = frozenset({*_REQUIRED, "time", "subject", "datacontenttype", "dataschema", "data", "data_base64"})
_DATA: Final = frozenset({"data", "data_base64"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME: Final = re.compile(r"[a-z0-9]+")
_JSON: Final = re.compile(r"\s*[^;/\s]+/(?:[^;\s]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_SEPARATORS: Final = re.compile(r"[./:#]")
_VERSION: Final = re.compile(r"v?\d+")
_MAX_REMEMBERED: Final = 256
_PARTS: Final = ("traits", "consent", "identity")
_CHANNELS: Final = frozenset(Channel)


def is_json(content_type: str | None) -> bool:
    """Whether data of that type is JSON; it is when nothing is said."""
    return not content_type or _JSON.fullmatch(content_type) is not None


def _translated(said: dict[str, Any], size: int, arrival: Arrival) -> Translated:
    _check_attributes(said)
    data, place = _data(said)
    if said["type"] == NATIVE_TYPE:
        return _of_ours(said, data, place, size, arrival)
    return _of_any(said, data, place, size, arrival)


def _of_ours(said: Mapping[str, Any], data: Any, place: str, size: int, arrival: Arrival) -> Translated:
    if not isinstance(data, dict):
        raise Refused(Code.NOT_AN_OBJECT, place, f"the data of {NATIVE_TYPE} is a touchpoint")
    told = {"occurred_at": said["time"], **data} if said.get("time") else data
    try:
        ours = native.decoded(msgspec.json.encode(told), size, may_hold_nul=False)
        read = native.read_of(ours, size, native.times_of(ours), arrival)
    except Refused as why:
        at = placed(why.refusal, _places(said))
        raise Refused(at.code, at.pointer, at.detail) from None
    return Translated(ours, read._replace(protocol=PROTOCOL), _id_of(said))


def _id_of(said: Mapping[str, Any]) -> str | None:
    """``source`` and ``id`` together tell an event from every other."""
    source, own = said.get("source"), said.get("id")
    return id_by_content(PROTOCOL, source, own) if isinstance(source, str) and isinstance(own, str) and own else None


def _places(said: Mapping[str, Any]) -> Mapping[str, str]:
    data, place = _data(said)
    told: Mapping[str, Any] = data if isinstance(data, dict) else {}
    if said["type"] == NATIVE_TYPE:
        return {"": place} if "occurred_at" in told else {"": place, **_TIME}
    places = {"/kind": "/type", **_TIME, "/properties": place}
    places |= {f"/{name}": f"{place}/{name}" for name in _PARTS}
    return places | {f"/identity/{ours}": f"{place}/{name}" for ours, name in _named(told).items()}


READER: Final = Translating(PROTOCOL, _translated, _places, _id_of)
_TIME: Final = {"/occurred_at": "/time"}


def _of_any(said: Mapping[str, Any], data: Any, place: str, size: int, arrival: Arrival) -> Translated:
    """A touchpoint of an event that knows nothing of us, by the names that its data most likely uses."""
    told: dict[str, Any] = data if isinstance(data, dict) else {}
    kind = _kind(said["type"])
    page, words, channel = part(told, "page"), part(told, "consent"), told.get("channel")
    read = read_of(
        PROTOCOL,
        arrival,
        size,
        identity=_identity(told, f"{place}/identity"),
        context={**part(told, "context"), "cloudevent": _attributes(said)},
        properties=told or ({} if data is None else {"data": data}),
        value=money_said(told, kind),
        times=(instant_said(said.get("time"), "/time"), None),
    )
    ours = native.Said(
        kind,
        channel=channel if isinstance(channel, str) and channel in _CHANNELS else None,
        traits=dict(part(told, "traits")),
        consent={name: word for name, value in words.items() if (word := consent.word_of(value))},
        campaign=campaign_said(told),
        page=page_at(page.get("url") or told.get("url"), page.get("title"), page.get("referrer")),
    )
    return Translated(ours, read, _id_of(said))


def _check_attributes(said: Mapping[str, Any]) -> None:
    """Raise Refused unless the required attributes are there and all are what the specification lets them be."""
    for name in _REQUIRED:
        value = said.get(name)
        if value is None or value == "":
            raise Refused(Code.MISSING, f"/{name}", f"{name} is missing: is this a CloudEvent?")
        if not isinstance(value, str):
            raise Refused(Code.WRONG_TYPE, f"/{name}", f"{name} is text")
    if said["specversion"] != "1.0":
        raise Refused(Code.UNKNOWN_VALUE, "/specversion", "specversion is 1.0")
    for name, value in said.items():
        if name not in _DATA and not (name in _CORE and type(value) is str and value.isprintable()):
            _check_attribute(name, value)


def _check_attribute(name: str, value: Any) -> None:
    if name not in _CORE and not _NAME.fullmatch(name):
        raise Refused(Code.UNKNOWN_VALUE, "", "attributes are named in lower case letters and digits")
    if isinstance(value, str):
        if not value.isprintable() and _CONTROL.search(value):
            raise Refused(Code.INVALID_TEXT, f"/{name}", "an attribute holds no control characters")
    elif isinstance(value, dict | list) or (name in _CORE and value is not None):
        raise Refused(Code.WRONG_TYPE, f"/{name}", "an attribute is text, a whole number or a truth value")


def _data(said: Mapping[str, Any]) -> tuple[Any, str]:
    """The data as JSON, text or, where it is neither, in base64; and its pointer. Raises Refused."""
    coded = said.get("data_base64")
    if coded is None:
        return said.get("data"), "/data"
    if said.get("data") is not None:
        raise Refused(Code.UNKNOWN_VALUE, "/data_base64", "an event has data or data_base64, not both")
    try:
        raw = base64.b64decode(coded, validate=True) if isinstance(coded, str) else None
    except (binascii.Error, ValueError):
        raw = None
    if raw is None:
        raise Refused(Code.WRONG_TYPE, "/data_base64", "data_base64 is text in base64")
    if not is_json(said.get("datacontenttype")):
        return coded, "/data_base64"
    return read_inside(raw, "/data_base64"), "/data_base64"


def _kind(event_type: str) -> str:
    """The last part of the type but for a version: ``com.acme.order_completed.v1`` is ``order_completed``."""
    kind = _remembered_kind(event_type) if len(event_type) <= _MAX_REMEMBERED else _kind_in(event_type)
    if not kind:
        raise Refused(Code.INVALID_KIND, "/type", f"a type ends in a name of letters, of at most {MAX_LENGTH}")
    return kind


def _kind_in(event_type: str) -> str:
    parts = [one for one in _SEPARATORS.split(event_type) if one and not _VERSION.fullmatch(one)]
    return kind_of_event(parts[-1]) if parts else ""


_remembered_kind = lru_cache(maxsize=1024)(_kind_in)


def _named(told: Mapping[str, Any]) -> dict[str, str]:
    """By our word for a key, the name under which the data tells it."""
    there = sorted([name for name in told if name in _NAMES], key=_ORDER, reverse=True)
    return {_NAMES[name]: name for name in there if told[name]}


def _identity(told: Mapping[str, Any], pointer: str) -> native.Identity:
    """The keys at the top of the data, under those of its ``identity``. Only texts and numbers are ids; what else
    stands there is a property."""
    values: dict[str, Any] = {ours: text(told, name) for ours, name in _named(told).items()}
    own = part(told, "identity")
    if own:
        return native.identity_in(msgspec.Raw(msgspec.json.encode({**values, **own})), pointer)
    return native.Identity(**values)


def _attributes(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the event is by its attributes, those of its extensions among them."""
    hidden = {"specversion", "data", "data_base64", "datacontenttype"}
    return {name: value for name, value in said.items() if name not in hidden and value is not None}
