"""CloudEvents 1.0 to touchpoints. An item is always an event in the JSON format, however it was sent."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain.kind import MAX_LENGTH, kind_of_event
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.reading import read_object
from services.ingest.protocols.segment_parts import campaign_said, money_said, part, text
from services.ingest.protocols.translating import Translated, Translating, id_by_content, page_at
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
_REQUIRED: Final = ("specversion", "id", "source", "type")
_CORE: Final = frozenset({*_REQUIRED, "time", "subject", "datacontenttype", "dataschema", "data", "data_base64"})
_DATA: Final = frozenset({"data", "data_base64"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME: Final = re.compile(r"[a-z0-9]+")
_JSON: Final = re.compile(r"\s*[^;/\s]+/(?:[^;\s]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_SEPARATORS: Final = re.compile(r"[./:#]")
_VERSION: Final = re.compile(r"v?\d+")
_PARTS: Final = ("traits", "consent", "identity")
_WORDS: Final = frozenset({"granted", "denied"})
_CHANNELS: Final = frozenset(Channel)


def is_json(content_type: str | None) -> bool:
    """Whether data of that type is JSON; it is when nothing is said."""
    return not content_type or _JSON.fullmatch(content_type) is not None


def _translated(said: dict[str, Any]) -> Translated:
    _check_attributes(said)
    data, place = _data(said)
    if said["type"] == NATIVE_TYPE:
        if not isinstance(data, dict):
            raise Refused(Code.NOT_AN_OBJECT, place, f"the data of {NATIVE_TYPE} is a touchpoint")
        return Translated({**_time(said), **data}, {"": place, **({} if "occurred_at" in data else _TIME)})
    return _of_any(said, data, place)


def _id_of(said: dict[str, Any]) -> str | None:
    """``source`` and ``id`` together tell an event from every other."""
    source, own = said.get("source"), said.get("id")
    return id_by_content(PROTOCOL, source, own) if isinstance(source, str) and isinstance(own, str) and own else None


READER: Final = Translating(PROTOCOL, _translated, _id_of)
_TIME: Final = {"/occurred_at": "/time"}


def _of_any(said: Mapping[str, Any], data: Any, place: str) -> Translated:
    """A touchpoint of an event that knows nothing of us, by the names that its data most likely uses."""
    told: dict[str, Any] = data if isinstance(data, dict) else {}
    kind, named, context = _kind(said["type"]), _named(told), part(told, "context")
    native: dict[str, Any] = {
        "kind": kind,
        "identity": {**_identity(told, named), **part(told, "identity")},
        "traits": part(told, "traits"),
        "consent": {
            name: word for name, word in part(told, "consent").items() if isinstance(word, str) and word in _WORDS
        },
        "properties": told or ({} if data is None else {"data": data}),
        "context": {**context, "cloudevent": _attributes(said)},
        **_time(said),
    }
    page = part(told, "page")
    page_told = page_at(page.get("url") or told.get("url"), page.get("title"), page.get("referrer"))
    if page_told:
        native["page"] = page_told
    campaign = campaign_said(told)
    if campaign is not None:
        native["campaign"] = msgspec.to_builtins(campaign)
    money = money_said(told, kind)
    if money is not None:
        native["value"] = {"amount": money.amount, "currency": money.currency}
    if isinstance(told.get("channel"), str) and told["channel"] in _CHANNELS:
        native["channel"] = told["channel"]
    places = {"/kind": "/type", **_TIME, "/properties": place}
    places |= {f"/{name}": f"{place}/{name}" for name in _PARTS}
    places |= {f"/identity/{ours}": f"{place}/{name}" for ours, name in named.items()}
    return Translated(native, places)


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
        if name not in _DATA:
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
    return read_object(msgspec.Raw(raw), "/data_base64"), "/data_base64"


def _kind(event_type: str) -> str:
    """The last part of the type but for a version: ``com.acme.order_completed.v1`` is ``order_completed``."""
    parts = [one for one in _SEPARATORS.split(event_type) if one and not _VERSION.fullmatch(one)]
    kind = kind_of_event(parts[-1]) if parts else ""
    if not kind:
        raise Refused(Code.INVALID_KIND, "/type", f"a type ends in a name of letters, of at most {MAX_LENGTH}")
    return kind


def _named(told: Mapping[str, Any]) -> dict[str, str]:
    """By our word for a key, the name under which the data tells it."""
    found: dict[str, str] = {}
    for name, ours in _NAMES.items():
        if ours not in found and told.get(name):
            found[ours] = name
    return found


def _identity(told: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    """The keys at the top of the data. Only texts and numbers are ids; what else stands there is a property."""
    values = {ours: text(told, name) for ours, name in named.items()}
    return {ours: value for ours, value in values.items() if value}


def _attributes(said: Mapping[str, Any]) -> dict[str, Any]:
    """What the event is by its attributes, those of its extensions among them."""
    hidden = {"specversion", "data", "data_base64", "datacontenttype"}
    return {name: value for name, value in said.items() if name not in hidden and value is not None}


def _time(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"occurred_at": said["time"]} if said.get("time") else {}
