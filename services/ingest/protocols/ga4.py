"""Events of Google Analytics' Measurement Protocol to touchpoints.

An item is a request with one event in it: what the request says for all of its events belongs to each.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain import consent
from services.ingest.domain.bounds import MAX_ITEM_BYTES
from services.ingest.domain.device import device_of_type
from services.ingest.domain.kind import MAX_LENGTH, kind_of_event
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely, rewritten, why_not_json
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.segment_parts import money_said, part, text
from services.ingest.protocols.splitting import FAULTS, Split, counted, not_a_list
from services.ingest.protocols.translating import Translated, Translating, id_by_content, page_at
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

_CAMPAIGN: Final = {
    "source": "source",
    "medium": "medium",
    "campaign": "name",
    "term": "term",
    "content": "content",
    "campaign_id": "id",
}
_CONSENT: Final = {"ad_user_data": "marketing", "ad_personalization": "profiling"}
_WORDS: Final = {"GRANTED": consent.GRANTED, "DENIED": consent.DENIED}
_EVENT: Final = "/events/0"
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


def open_collected(body: bytes, stream: Mapping[str, str]) -> Parcel:
    """The events of a request. ``stream`` is what its address says of where they come from, keys left out."""
    try:
        events = [bytes(event) for event in _BODY.decode(body).events]
        envelope = read_loosely(body)
    except msgspec.ValidationError:
        return Parcel(not_a_list(body, body.lstrip()[:1] == b"{", "/events"), READER)
    except FAULTS:
        array = split_array(body, b"events")
        if array is None:
            split = Split([body], why_not_json(body)) if body.strip() else counted([], body, MAX_EVENTS, "/events")
            return Parcel(split, READER)
        events, envelope = array.items, read_loosely(array.envelope())
    return Parcel(_taken_apart(events, {**envelope, **stream}, body), READER)


def _taken_apart(events: list[bytes], envelope: dict[str, Any], body: bytes) -> Split:
    """A request for each event. Of a request that is refused whole the events are kept apart too, if they are few."""
    split = counted(events, body, MAX_EVENTS, "/events")
    if not events or len(events) > _MAX_KEPT:
        return Split([body], split.refusal) if body.strip() else split
    envelope.pop("events", None)
    around = rewritten({**envelope, "events": []}, b'{"events":[]}')
    head = around[: around.rindex(b"[") + 1]
    if len(head) > MAX_ITEM_BYTES:
        return Split([body], Refusal(Code.TOO_LARGE, "", f"beside its events a request has {MAX_ITEM_BYTES} bytes"))
    return msgspec.structs.replace(split, items=[head + event + b"]}" for event in events])


def _translated(said: dict[str, Any]) -> Translated:
    event = _event(said)
    params = _object(event, "params", f"{_EVENT}/params")
    name = event.get("name")
    kind = KINDS.get(name) or kind_of_event(name) if isinstance(name, str) else ""
    if not kind:
        code = Code.INVALID_KIND if name else Code.MISSING
        raise Refused(code, f"{_EVENT}/name", f"an event has a name with letters, of at most {MAX_LENGTH} characters")
    device = part(said, "device")
    native: dict[str, Any] = {
        "kind": kind,
        "identity": _identity(said),
        "traits": _traits(said),
        "consent": _consent(said),
        "properties": params,
        "context": _context(said, params),
    }
    page = page_at(params.get("page_location"), params.get("page_title"), params.get("page_referrer"))
    if page:
        native["page"] = page
    campaign = {ours: value for theirs, ours in _CAMPAIGN.items() if (value := text(params, theirs))}
    if campaign and _is_campaign(params):
        native["campaign"] = campaign
    money = money_said(params, kind)
    if money is not None:
        native["value"] = {"amount": money.amount, "currency": money.currency}
    category = device.get("category")
    times = (_instant(said, event), None)
    return Translated(native, _PLACES, times, device_of_type(category) if isinstance(category, str) else None)


def _id_of(said: dict[str, Any]) -> str | None:
    """One order is one purchase however often it is told; other events by their own id, or by all they say."""
    events = said.get("events")
    event = events[0] if isinstance(events, list) and events else None
    if not isinstance(event, dict):
        return None
    name, params = event.get("name"), event.get("params")
    params = params if isinstance(params, dict) else {}
    own = params.get("event_id") or (params.get("transaction_id") if name == "purchase" else None)
    if isinstance(own, str | int) and own:
        return id_by_content(PROTOCOL, name, str(own))
    instant = event.get("timestamp_micros") or said.get("timestamp_micros")
    person = said.get("client_id") or said.get("app_instance_id") or said.get("user_id")
    return id_by_content(PROTOCOL, person, name, instant, params) if instant else None


READER: Final = Translating(PROTOCOL, _translated, _id_of)


def _event(said: Mapping[str, Any]) -> dict[str, Any]:
    events = said.get("events")
    if not isinstance(events, list) or not events:
        raise Refused(Code.MISSING, "/events", "events is a list of events")
    if len(events) > 1:
        raise Refused(Code.TOO_MANY_ITEMS, "/events", "what is taken again is one event")
    if not isinstance(events[0], dict):
        raise Refused(Code.NOT_AN_OBJECT, _EVENT, "an event is an object")
    return events[0]


def _object(said: Mapping[str, Any], name: str, pointer: str) -> dict[str, Any]:
    value = said.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(Code.WRONG_TYPE, pointer, f"{name} is an object")
    return value


def _identity(said: Mapping[str, Any]) -> dict[str, Any]:
    """Ids, and the hashes that a site may send of what a person typed in. A number's hash only meets its like."""
    data = part(said, "user_data")
    email, phone = _first(data.get("sha256_email_address")), _first(data.get("sha256_phone_number"))
    identity = {
        "user_id": said.get("user_id"),
        "anonymous_id": said.get("client_id") or said.get("app_instance_id"),
        "email_sha256": email if isinstance(email, str) else None,
        "external": {"phone_sha256": phone.lower()} if isinstance(phone, str) and phone else None,
    }
    for name, pointer in (("user_id", "/user_id"), ("anonymous_id", "/client_id")):
        if not isinstance(identity[name], str | int | None):
            raise Refused(Code.WRONG_TYPE, pointer, "an id is text or a whole number")
    return {name: value for name, value in identity.items() if value}


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _traits(said: Mapping[str, Any]) -> dict[str, Any]:
    found = _object(said, "user_properties", "/user_properties")
    return {name: one["value"] for name, one in found.items() if isinstance(one, dict) and "value" in one}


def _consent(said: Mapping[str, Any]) -> dict[str, str]:
    told = part(said, "consent")
    words = {ours: _WORDS.get(word) for theirs, ours in _CONSENT.items() if isinstance(word := told.get(theirs), str)}
    if said.get("non_personalized_ads") is True:
        words.setdefault("profiling", consent.DENIED)
    return {purpose: word for purpose, word in words.items() if word}


def _context(said: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    device, place = part(said, "device"), part(said, "user_location")
    context = {
        "session_id": text(params, "session_id"),
        "measurement_id": text(said, "measurement_id") or text(said, "firebase_app_id"),
        "user_agent": text(said, "user_agent"),
        "ip": text(said, "ip_override"),
        "locale": text(device, "language") or text(params, "language"),
        "country": text(place, "country_id"),
        "device": device,
        "user_location": place,
    }
    return {name: value for name, value in context.items() if value}


def _is_campaign(params: Mapping[str, Any]) -> bool:
    """Whether the parameters are those of a campaign: ``content`` and ``term`` alone may be anything."""
    return any(text(params, name) for name in ("campaign", "campaign_id", "medium", "source"))


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
