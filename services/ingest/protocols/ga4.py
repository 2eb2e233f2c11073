"""Events of Google Analytics' Measurement Protocol to touchpoints.

What a request says for all of its events belongs to each; one that is refused is kept as a request with one event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain import bounds, consent
from services.ingest.domain.bounds import MAX_ITEM_BYTES
from services.ingest.domain.device import device_of_type
from services.ingest.domain.item_id import content_id
from services.ingest.domain.kind import MAX_LENGTH, kind_of_event
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols.native import Identity, Said
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely, rewritten, why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.segment_parts import money_said, part, text
from services.ingest.protocols.splitting import FAULTS, Item, Split, counted, not_a_list
from services.ingest.protocols.translating import Translated, Translating, id_by_content, page_at, read_of
from shared.contracts.touchpoint import Campaign
from shared.vocabulary import Code, Kind

PROTOCOL: Final = "ga4"
MAX_EVENTS: Final = 25
_MAX_KEPT: Final = 250

KINDS: Final[Mapping[str, str]] = {
    "page_view": Kind.PAGE_VIEWED.value,
    "screen_view": Kind.SCREEN_VIEWED.value,
    "generate_lead": "lead_generated",
    "qualify_lead": "lead_qualified",
    "disqualify_lead": "lead_disqualified",
    "working_lead": "lead_worked",
    "close_convert_lead": Kind.OPPORTUNITY_WON.value,
    "close_unconvert_lead": Kind.OPPORTUNITY_LOST.value,
    "sign_up": "signed_up",
    "login": "logged_in",
    "purchase": Kind.ORDER_COMPLETED.value,
    "in_app_purchase": Kind.ORDER_COMPLETED.value,
    "refund": Kind.ORDER_REFUNDED.value,
    "view_item": "product_viewed",
    "view_item_list": "product_list_viewed",
    "select_item": "product_clicked",
    "add_to_cart": "cart_item_added",
    "remove_from_cart": "cart_item_removed",
    "view_cart": "cart_viewed",
    "add_to_wishlist": "wishlist_item_added",
    "begin_checkout": "checkout_started",
    "add_shipping_info": "shipping_info_entered",
    "add_payment_info": "payment_info_entered",
    "view_promotion": "promotion_viewed",
    "select_promotion": "promotion_clicked",
    "search": "site_searched",
    "view_search_results": "site_searched",
    "select_content": "content_selected",
    "share": "content_shared",
    "join_group": "group_joined",
    "tutorial_begin": "tutorial_started",
    "tutorial_complete": "tutorial_completed",
    "click": "link_clicked",
    "scroll": "page_scrolled",
    "file_download": "file_downloaded",
    "form_start": "form_started",
    "form_submit": "form_submitted",
    "video_start": "video_started",
    "video_complete": "video_completed",
    "session_start": "session_started",
    "campaign_details": "campaign_named",
}
"""Google's event names with a kind of ours; every other name is its own kind. docs/connect publishes the table."""

_CAMPAIGN: Final = ("source", "medium", "campaign", "term", "content", "campaign_id")
_EVENT: Final = "/events/0"
_TAIL: Final = b"]}"
_PLACES: Final = {
    "/kind": f"{_EVENT}/name",
    "/properties": f"{_EVENT}/params",
    "/identity/user_id": "/user_id",
    "/identity/anonymous_id": "/client_id",
    "/traits": "/user_properties",
}
_MAX_INSTANT: Final = 253_402_300_800_000_000  # the year 10000, in microseconds


class _Body(msgspec.Struct):
    events: list[msgspec.Raw]


_BODY: Final = msgspec.json.Decoder(_Body)
_PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def open_collected(body: bytes, stream: Mapping[str, str]) -> Parcel:
    """The events of a request. ``stream`` is what its address says of where they come from, keys left out."""
    try:
        events: list[Any] = list(_BODY.decode(body).events)
        parts = _PARTS.decode(body)
        del parts["events"]  # they are read one by one
        envelope = msgspec.json.decode(msgspec.json.encode(parts))
    except msgspec.ValidationError:
        return Parcel(not_a_list(body, body.lstrip()[:1] == b"{", "/events"), READER)
    except FAULTS:
        array = split_array(body, b"events")
        if array is None:
            split = Split([body], why_not_json(body)) if body.strip() else counted([], body, MAX_EVENTS, "/events")
            return Parcel(split, READER)
        events, envelope = array.items, read_loosely(array.envelope())
        envelope.pop("events", None)
    return _taken_apart(events, {**envelope, **stream}, body)


def _taken_apart(events: list[Any], envelope: dict[str, Any], body: bytes) -> Parcel:
    """Of a request that is refused whole the events are kept apart too, if they are few: each in a request."""
    split = counted(events, body, MAX_EVENTS, "/events")
    if not events or len(events) > _MAX_KEPT:
        return Parcel(Split([body], split.refusal) if body.strip() else split, READER)
    around = rewritten({**envelope, "events": []}, b'{"events":[]}')
    head = around[: around.rindex(b"[") + 1]
    if len(head) > MAX_ITEM_BYTES:
        refusal = Refusal(Code.TOO_LARGE, "", f"beside its events a request has {MAX_ITEM_BYTES} bytes")
        return Parcel(Split([body], refusal), READER)
    if split.refusal is not None:
        whole = [head + bytes(event) + _TAIL for event in events]
        return Parcel(msgspec.structs.replace(split, items=whole), READER)
    return Parcel(split, _reader(envelope, head))


def _reader(envelope: Mapping[str, Any], head: bytes) -> Translating:
    """The reader of the events of a request, each of which says by itself what follows the ``head`` of the request."""
    told = _told(envelope)

    def translate(event: dict[str, Any], size: int, arrival: Arrival) -> Translated:
        if isinstance(told, Refused):
            raise told
        return _translated(event, told, size, arrival)

    def alone(event: bytes) -> bytes:
        return head + event + _TAIL

    return Translating(PROTOCOL, translate, _places, _id_of, alone=alone, around=len(head) + len(_TAIL), at=_EVENT)


class _Told(NamedTuple):
    """What a request says for all of its events, as it says it and in our words."""

    envelope: Mapping[str, Any]
    identity: Identity
    traits: dict[str, Any]
    consent: dict[str, str]
    context: Mapping[str, Any]
    device: str | None


def _told(envelope: Mapping[str, Any]) -> _Told | Refused:
    """Read once for all of them; a fault in it is one of each."""
    try:
        bounds.check(envelope, "")
        bounds.check_text(envelope, "")
        device = part(envelope, "device")
        category = device.get("category")
        return _Told(
            envelope,
            _identity(envelope),
            _traits(envelope),
            _consent(envelope),
            _context(envelope, device),
            device_of_type(category) if isinstance(category, str) else None,
        )
    except Refused as fault:
        return fault


def _translated(event: Mapping[str, Any], told: _Told, size: int, arrival: Arrival) -> Translated:
    params = _object(event, "params", f"{_EVENT}/params")
    name = event.get("name")
    kind = KINDS.get(name) or kind_of_event(name) if isinstance(name, str) else ""
    if not kind:
        code = Code.INVALID_KIND if name else Code.MISSING
        raise Refused(code, f"{_EVENT}/name", f"an event has a name with letters, of at most {MAX_LENGTH} characters")
    context = {**told.context}
    if (session := text(params, "session_id")) is not None:
        context["session_id"] = session
    if "locale" not in context and (language := text(params, "language")) is not None:
        context["locale"] = language
    read = read_of(
        PROTOCOL,
        arrival,
        size,
        identity=told.identity,
        context=context,
        properties=params,
        value=money_said(params, kind),
        times=(_instant(told.envelope, event), None),
        device=told.device,
    )
    page = page_at(params.get("page_location"), params.get("page_title"), params.get("page_referrer"))
    ours = Said(kind, traits=told.traits, consent=told.consent, campaign=_campaign(params), page=page)
    return Translated(ours, read, _id_by(told.envelope, event))


def _id_of(said: dict[str, Any]) -> str | None:
    events = said.get("events")
    event = events[0] if isinstance(events, list) and events else None
    return _id_by(said, event) if isinstance(event, dict) else None


def _id_by(envelope: Mapping[str, Any], event: Mapping[str, Any]) -> str | None:
    """One order is one purchase however often it is told; other events by their own id, or by all they say."""
    name, params = event.get("name"), event.get("params")
    params = params if isinstance(params, dict) else {}
    own = params.get("event_id") or (params.get("transaction_id") if name == "purchase" else None)
    if isinstance(own, str | int) and own:
        return id_by_content(PROTOCOL, name, str(own))
    instant = event.get("timestamp_micros") or envelope.get("timestamp_micros")
    person = envelope.get("client_id") or envelope.get("app_instance_id") or envelope.get("user_id")
    return id_by_content(PROTOCOL, person, name, instant, params) if instant else None


def _places(_said: Mapping[str, Any]) -> Mapping[str, str]:
    return _PLACES


@dataclass(frozen=True, slots=True)
class Request:
    """Reads a request with one event, as refused ones are kept."""

    protocol: str = PROTOCOL

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint of its event, or its rejection. Never raises."""
        raw = bytes(item)
        parcel = open_collected(raw, {})
        refusal, events = parcel.split.refusal, parcel.split.items
        if refusal is None and len(events) > 1:
            refusal = Refusal(Code.TOO_MANY_ITEMS, "/events", "what is taken again is one event")
        if refusal is not None:
            return Rejected(_id_of(read_loosely(raw)) or content_id(raw), refusal, raw)
        return parcel.reader.read(events[0], arrival, may_hold_nul=may_hold_nul)


READER: Final = Request()


def _object(said: Mapping[str, Any], name: str, pointer: str) -> dict[str, Any]:
    value = said.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(Code.WRONG_TYPE, pointer, f"{name} is an object")
    return value


def _identity(said: Mapping[str, Any]) -> Identity:
    """Ids, and the hashes that a site may send of what a person typed in. A number's hash only meets its like."""
    user, device = said.get("user_id") or None, said.get("client_id") or said.get("app_instance_id") or None
    for value, pointer in ((user, "/user_id"), (device, "/client_id")):
        if not isinstance(value, str | int | None) or isinstance(value, bool):
            raise Refused(Code.WRONG_TYPE, pointer, "an id is text or a whole number")
    data = part(said, "user_data")
    email, phone = _first(data.get("sha256_email_address")), _first(data.get("sha256_phone_number"))
    return Identity(
        anonymous_id=device,
        user_id=user,
        email_sha256=email if isinstance(email, str) and email else None,
        external={"phone_sha256": phone.lower()} if isinstance(phone, str) and phone else {},
    )


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _traits(said: Mapping[str, Any]) -> dict[str, Any]:
    found = _object(said, "user_properties", "/user_properties")
    return {name: one["value"] for name, one in found.items() if isinstance(one, dict) and "value" in one}


def _consent(said: Mapping[str, Any]) -> dict[str, str]:
    words = consent.from_google(part(said, "consent"))
    return {"profiling": consent.DENIED, **words} if said.get("non_personalized_ads") is True else words


def _context(said: Mapping[str, Any], device: Mapping[str, Any]) -> dict[str, Any]:
    place = part(said, "user_location")
    context = {
        "measurement_id": text(said, "measurement_id") or text(said, "firebase_app_id"),
        "user_agent": text(said, "user_agent"),
        "ip": text(said, "ip_override"),
        "locale": text(device, "language"),
        "country": text(place, "country_id"),
        "device": device,
        "user_location": place,
    }
    return {name: value for name, value in context.items() if value}


def _campaign(params: Mapping[str, Any]) -> Campaign | None:
    """That of the parameters, if they are of a campaign: ``content`` and ``term`` alone may be anything."""
    source, medium, name, term, content, campaign_id = [text(params, one) for one in _CAMPAIGN]
    if source or medium or name or campaign_id:
        return Campaign(source, medium, name, term, content, campaign_id)
    return None


def _instant(said: Mapping[str, Any], event: Mapping[str, Any]) -> int | None:
    """The event's own time before that of the request. Raises Refused."""
    for where, pointer in ((event, f"{_EVENT}/timestamp_micros"), (said, "/timestamp_micros")):
        value = where.get("timestamp_micros")
        if value is None or value == "":
            continue
        digits = str(value)
        if isinstance(value, bool) or not digits.isascii() or not digits.isdecimal() or len(digits) > len("9" * 18):
            raise Refused(Code.INVALID_INSTANT, pointer, "a time is a whole number of microseconds since 1970")
        if int(digits) >= _MAX_INSTANT:
            raise Refused(Code.OUT_OF_RANGE, pointer, "an instant is of a year from 1970 to 9999")
        return int(digits)
    return None
