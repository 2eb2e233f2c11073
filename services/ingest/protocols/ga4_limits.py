"""What Google's validation server would say about a request: its limits and reserved names. Nothing is refused by them.

https://developers.google.com/analytics/devguides/collection/protocol/ga4 publishes the limits.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.ingest.protocols.ga4 import MAX_EVENTS

MAX_BODY_BYTES: Final = 130_000
_MAX_PARAMS: Final = 25
_MAX_PROPERTIES: Final = 25
_MAX_NAME: Final = 40
_MAX_VALUE: Final = 100
_MAX_PROPERTY_NAME: Final = 24
_MAX_PROPERTY_VALUE: Final = 36
_LONG: Final = {"page_location": 1_000, "page_referrer": 420, "page_title": 300}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PREFIXES: Final = ("_", "firebase_", "ga_", "google_", "gtag.")
_RESERVED: Final = re.compile(
    r"ad_(?:activeview|click|exposure|query|reward)|adunit_exposure|app_(?:clear_data|exception|install|remove|update)"
    r"|app_(?:store_refund|upgrade)|dynamic_link_(?:app_open|app_update|first_open)|error|firebase_campaign|first_open"
    r"|first_visit|in_app_purchase|notification_(?:dismiss|foreground|open|receive)|os_update|session_start"
    r"|user_engagement"
)
_RESERVED_PROPERTIES: Final = frozenset({"first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id"})
_GRANTS: Final = frozenset({"GRANTED", "DENIED"})
_ANYTHING: Final = msgspec.json.Decoder()

Message = dict[str, str]


def messages_of(body: bytes, stream: Mapping[str, str]) -> list[Message]:
    """Everything that is wrong with a request; empty when it is valid."""
    return list(_messages(body, stream))


def _messages(body: bytes, stream: Mapping[str, str]) -> Iterator[Message]:
    if len(body) > MAX_BODY_BYTES:
        yield _message("", "VALUE_OUT_OF_BOUNDS", f"a request has less than {MAX_BODY_BYTES} bytes")
    try:
        said = _ANYTHING.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    if not isinstance(said, dict):
        yield _message("", "VALUE_INVALID", "the body is a JSON object")
        return
    if not stream.get("measurement_id") and not stream.get("firebase_app_id"):
        yield _message("measurement_id", "VALUE_REQUIRED", "name the stream: measurement_id or firebase_app_id")
    person = "app_instance_id" if stream.get("firebase_app_id") else "client_id"
    if not isinstance(said.get(person), str) or not said[person]:
        yield _message(person, "VALUE_REQUIRED", f"{person} is a text that is not empty")
    instant = said.get("timestamp_micros")
    if instant is not None and not str(instant).isdecimal():
        yield _message("timestamp_micros", "VALUE_INVALID", "a whole number of microseconds since 1970")
    yield from _consent(said.get("consent"))
    yield from _user_properties(said.get("user_properties"))
    yield from _events(said.get("events"))


def _events(events: Any) -> Iterator[Message]:
    if not isinstance(events, list) or not events:
        yield _message("events", "VALUE_REQUIRED", "events is a list with at least one event")
        return
    if len(events) > MAX_EVENTS:
        yield _message("events", "EXCEEDED_MAX_ENTITIES", f"a request has at most {MAX_EVENTS} events")
    for index, event in enumerate(events):
        place = f"events[{index}]"
        if not isinstance(event, dict):
            yield _message(place, "VALUE_INVALID", "an event is an object")
            continue
        name = event.get("name")
        yield from _name(name, f"{place}.name", _MAX_NAME)
        if isinstance(name, str) and _RESERVED.fullmatch(name):
            yield _message(f"{place}.name", "NAME_RESERVED", "this name is one of Google's own")
        yield from _params(event.get("params"), f"{place}.params")


def _params(params: Any, place: str) -> Iterator[Message]:
    if params is None:
        return
    if not isinstance(params, dict):
        yield _message(place, "VALUE_INVALID", "params is an object")
        return
    if len(params) > _MAX_PARAMS:
        yield _message(place, "EXCEEDED_MAX_ENTITIES", f"an event has at most {_MAX_PARAMS} parameters")
    for name, value in params.items():
        yield from _name(name, f"{place}.{name}", _MAX_NAME)
        most = _LONG.get(name, _MAX_VALUE)
        if isinstance(value, str) and len(value) > most:
            yield _message(f"{place}.{name}", "VALUE_OUT_OF_BOUNDS", f"a text here has at most {most} characters")


def _user_properties(properties: Any) -> Iterator[Message]:
    if properties is None:
        return
    if not isinstance(properties, dict):
        yield _message("user_properties", "VALUE_INVALID", "user_properties is an object")
        return
    if len(properties) > _MAX_PROPERTIES:
        yield _message("user_properties", "EXCEEDED_MAX_ENTITIES", f"at most {_MAX_PROPERTIES} user properties")
    for name, held in properties.items():
        place = f"user_properties.{name}"
        yield from _name(name, place, _MAX_PROPERTY_NAME)
        if name in _RESERVED_PROPERTIES:
            yield _message(place, "NAME_RESERVED", "this name is one of Google's own")
        if not isinstance(held, dict) or "value" not in held:
            yield _message(place, "VALUE_REQUIRED", "a user property is an object with a value")
        elif len(str(held["value"])) > _MAX_PROPERTY_VALUE:
            yield _message(place, "VALUE_OUT_OF_BOUNDS", f"a value has at most {_MAX_PROPERTY_VALUE} characters")


def _consent(consent: Any) -> Iterator[Message]:
    if consent is None:
        return
    if not isinstance(consent, dict):
        yield _message("consent", "VALUE_INVALID", "consent is an object")
        return
    for name in ("ad_user_data", "ad_personalization"):
        if name in consent and (not isinstance(consent[name], str) or consent[name] not in _GRANTS):
            yield _message(f"consent.{name}", "VALUE_INVALID", "consent is GRANTED or DENIED")


def _name(name: Any, place: str, most: int) -> Iterator[Message]:
    if name is None or name == "":
        yield _message(place, "VALUE_REQUIRED", "a name is missing")
    elif not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > most:
        detail = f"a name has letters, digits and underscores, begins with a letter, and has at most {most} characters"
        yield _message(place, "NAME_INVALID", detail)
    elif name.startswith(_PREFIXES):
        yield _message(place, "NAME_RESERVED", f"a name does not begin with {', '.join(_PREFIXES)}")


def _message(place: str, code: str, detail: str) -> Message:
    return {"fieldPath": place, "description": detail, "validationCode": code}
