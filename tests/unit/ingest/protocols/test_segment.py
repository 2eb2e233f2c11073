"""Segment's calls to touchpoints."""

from typing import Any

import msgspec
import pytest

from services.ingest.domain.bounds import MAX_DEPTH, MAX_ITEM_BYTES
from services.ingest.protocols.segment import CALLS, Envelope
from shared.clock import HOUR, MINUTE, to_text
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import NOW, SECRET, read_segment, taken, turned_down

_TRACK: dict[str, Any] = {"type": "track", "event": "Button Clicked", "anonymousId": "a-1", "messageId": "m-1"}


def _track(**fields: Any) -> dict[str, Any]:
    return {**_TRACK, **fields}


def test_browser_call_finds_its_place() -> None:
    """As analytics-next sends it: click ids only in the address, UTM fields in the campaign, numbers nowhere."""
    touchpoint = taken(
        read_segment(
            {
                "timestamp": to_text(NOW - MINUTE),
                "integrations": {},
                "event": "Button Clicked",
                "type": "track",
                "properties": {"label": "demo"},
                "context": {
                    "page": {
                        "path": "/p",
                        "referrer": "",
                        "search": "?utm_source=google&gclid=G123",
                        "title": "T",
                        "url": "https://site/p?utm_source=google&gclid=G123",
                    },
                    "userAgent": "Mozilla/5.0 (Windows NT 10.0) Chrome/120",
                    "locale": "en-US",
                    "library": {"name": "analytics.js", "version": "next-1.84.3"},
                    "campaign": {"source": "google", "medium": "cpc", "name": "spring", "term": "crm", "id": "77"},
                },
                "messageId": "ajs-next-1",
                "userId": "u-9",
                "anonymousId": "557bace8",
                "writeKey": "WK_web",
                "sentAt": to_text(NOW),
                "_metadata": {"bundled": ["Segment.io"]},
            }
        )
    )

    assert touchpoint.keys == ("5user_id:u-9", "1anonymous_id:557bace8")
    assert (touchpoint.id, touchpoint.kind, touchpoint.channel) == ("ajs-next-1", "button_clicked", "ads")
    assert (touchpoint.occurred_at, touchpoint.sent_at, touchpoint.protocol) == (NOW - MINUTE, NOW, "segment")
    assert touchpoint.page == Page(url="https://site/p?utm_source=google&gclid=G123", path="/p", title="T")
    assert touchpoint.campaign == Campaign(
        source="google", medium="cpc", name="spring", term="crm", id="77", click_id="gclid:G123"
    )
    assert (touchpoint.country, touchpoint.device) == ("US", "desktop")
    assert msgspec.json.decode(touchpoint.properties) == {"label": "demo"}
    assert msgspec.json.decode(touchpoint.identity) == {"user_id": "u-9", "anonymous_id": "557bace8"}


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ({"type": "identify"}, "identified"),
        ({"type": "page"}, "page_viewed"),
        ({"type": "screen"}, "screen_viewed"),
        ({"type": "group", "groupId": "acme"}, "account_joined"),
        ({"type": "alias", "userId": "u2", "previousId": "u1"}, "aliased"),
        ({"type": "track", "event": "Order Completed"}, "order_completed"),
    ],
)
def test_each_call_has_its_kind(call: dict[str, Any], kind: str) -> None:
    assert taken(read_segment({"anonymousId": "a-1", **call})).kind == kind


@pytest.mark.parametrize("call", CALLS)
def test_path_says_the_type(call: str) -> None:
    item = {"userId": "u-1", "event": "x", "previousId": "u-0", "groupId": "g"}

    by_path = taken(read_segment(item, Envelope(call=call)))

    assert by_path.kind == taken(read_segment({**item, "type": call})).kind


@pytest.mark.parametrize("empty", [None, "", "null", 0])
def test_empty_ids_are_normal(empty: Any) -> None:
    assert taken(read_segment(_track(userId=empty))).keys == ("1anonymous_id:a-1",)


def test_numeric_ids_are_normal() -> None:
    assert taken(read_segment(_track(userId=97980, messageId=5))).keys[0] == "5user_id:97980"


def test_batch_says_when_it_was_sent() -> None:
    item = _track(timestamp=to_text(NOW + 59 * MINUTE))

    assert taken(read_segment(item, Envelope(sent_at=to_text(NOW + HOUR)))).occurred_at == NOW - MINUTE


def test_bad_time_of_sending_corrects_nothing() -> None:
    touchpoint = taken(read_segment(_track(timestamp=to_text(NOW - HOUR), sentAt="soon"), Envelope(sent_at=7)))

    assert (touchpoint.occurred_at, touchpoint.sent_at) == (NOW - HOUR, None)


def test_context_of_the_batch_is_that_of_its_items_unless_they_say_otherwise() -> None:
    envelope = Envelope(context={"locale": "da-DK", "userAgent": "Mozilla/5.0 (iPhone) Mobile", "ip": "203.0.113.9"})

    touchpoint = taken(read_segment(_track(context={"locale": "en-US"}), envelope))

    assert (touchpoint.country, touchpoint.device) == ("US", "mobile")
    assert msgspec.json.decode(touchpoint.context) == {
        "locale": "en-US",
        "userAgent": "Mozilla/5.0 (iPhone) Mobile",
        "ip": "203.0.113.0",
    }


@pytest.mark.parametrize(
    "call",
    [
        {"type": "identify", "traits": {"email": "Jane@example.com"}},
        {"type": "identify", "context": {"traits": {"email": "jane@example.com"}}},
        {"type": "track", "event": "Email Opened", "context": {"traits": {"email": "jane@example.com"}}},
        {"type": "track", "event": "Form Submitted", "properties": {"email": "jane@example.com"}},
        {"type": "track", "event": "Demo Requested", "properties": {"email": "jane@example.com"}},
    ],
    ids=["traits", "context traits of identify", "context traits of track", "form", "request"],
)
def test_address_is_found_where_sdks_put_it_and_shown_as_a_trait(call: dict[str, Any]) -> None:
    touchpoint = taken(read_segment(call))

    assert touchpoint.keys == (email_key(SECRET, "jane@example.com"),)
    assert touchpoint.traits["email"].lower() == "jane@example.com"


def test_address_in_the_properties_of_no_form_is_somebody_elses() -> None:
    touchpoint = taken(read_segment(_track(event="Colleague Invited", properties={"email": "bob@example.com"})))

    assert touchpoint.keys == ("1anonymous_id:a-1",)


def test_traits_of_a_group_are_those_of_the_account() -> None:
    touchpoint = taken(
        read_segment({"type": "group", "userId": "u-1", "groupId": "acme", "traits": {"email": "info@acme.example"}})
    )

    assert (touchpoint.keys, touchpoint.account, touchpoint.traits) == (("5user_id:u-1",), "acme", {})
    assert msgspec.json.decode(touchpoint.properties) == {"email": "info@acme.example"}


def test_traits_win_over_those_of_the_context() -> None:
    touchpoint = taken(
        read_segment(
            {
                "type": "identify",
                "userId": "u",
                "traits": {"plan": "pro"},
                "context": {"traits": {"plan": "free", "a": 1}},
            }
        )
    )

    assert touchpoint.traits == {"plan": "pro", "a": 1}


def test_alias_joins_the_previous_user_id() -> None:
    touchpoint = taken(read_segment({"type": "alias", "userId": "u2", "previousId": "u1"}))

    assert (touchpoint.keys, touchpoint.previous) == (("5user_id:u2",), "5user_id:u1")


def test_page_call_is_read_from_its_properties_and_keeps_its_name() -> None:
    touchpoint = taken(
        read_segment(
            {
                "type": "page",
                "anonymousId": "a",
                "name": "Pricing",
                "category": "Docs",
                "properties": {"url": "https://x/pricing", "referrer": "https://www.google.com/"},
                "context": {"page": {"url": "https://x/old", "title": "T"}},
            }
        )
    )

    assert touchpoint.page == Page(url="https://x/pricing", title="T", referrer="https://www.google.com/")
    assert touchpoint.channel == "search"
    assert msgspec.json.decode(touchpoint.properties)["name"] == "Pricing"


@pytest.mark.parametrize(
    ("event", "properties", "money"),
    [
        ("Order Completed", {"revenue": 12.5, "total": 15, "currency": "eur"}, Money("12.5", "EUR")),
        ("Order Completed", {"total": "15.00"}, Money("15.00", "USD")),
        ("Order Completed", {"value": 3}, Money("3", "USD")),
        ("Slider Moved", {"value": 3}, None),
        ("Slider Moved", {"value": 3, "currency": "DKK"}, Money("3", "DKK")),
        ("Order Completed", {"revenue": "free", "total": 9}, Money("9", "USD")),
        ("Order Completed", {}, None),
    ],
    ids=["revenue", "total", "value", "no money", "by currency", "next best", "none"],
)
def test_money_is_revenue_total_or_value(event: str, properties: dict[str, Any], money: Money | None) -> None:
    assert taken(read_segment(_track(event=event, properties=properties))).value == money


def test_consent_of_a_tag_manager_is_obeyed() -> None:
    context = {"consent": {"categoryPreferences": {"Advertising": False, "Analytics": True}}}
    denied = {"consent": {"categoryPreferences": {"Analytics": False}}}

    assert taken(read_segment(_track(context=context))).consent == {"marketing": "denied", "analytics": "granted"}
    rejected = turned_down(read_segment(_track(context=denied)))
    assert (rejected.refusal.code, rejected.payload) == (Code.CONSENT_DENIED, b"")
    decision = taken(read_segment(_track(context=denied, event="Segment Consent Preference Updated")))
    assert (decision.kind, decision.consent) == ("consent_updated", {"analytics": "denied"})


def test_parts_that_do_not_fit_are_left_out() -> None:
    context = {"page": "p", "campaign": [1], "device": 5, "location": "here", "userAgent": 7, "traits": 3, "groupId": 9}

    touchpoint = taken(read_segment(_track(context=context)))

    assert (touchpoint.page, touchpoint.campaign, touchpoint.device, touchpoint.country) == (None, None, None, None)


def test_null_parts_survive_the_log() -> None:
    item = _track(properties=None, context=None, traits=None, timestamp=None, integrations=None)

    assert decode_touchpoint(encode(taken(read_segment(item)))).kind == "button_clicked"


def test_id_is_made_of_the_content_whatever_the_sending_adds() -> None:
    item = {"type": "track", "event": "x", "userId": "u", "timestamp": "2026-01-01T00:00:00Z"}

    first = taken(read_segment({**item, "sentAt": to_text(NOW), "writeKey": "k"}))
    retry = taken(read_segment({**item, "sentAt": to_text(NOW + HOUR), "_metadata": {"retryCount": 1}}))
    nameless = taken(read_segment({"type": "track", "event": "x", "userId": "u"}))

    assert first.id == retry.id
    assert nameless.id == "made"


_DEEP = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
_REASONS: list[tuple[Code, str, Any]] = [
    (Code.NOT_JSON, "", b"{"),
    (Code.NOT_AN_OBJECT, "", b"[]"),
    (Code.TOO_DEEP, "", b'{"properties":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    (Code.TOO_DEEP, "/traits/a" + "/0" * (MAX_DEPTH - 1), b'{"type":"page","traits":{"a":%s}}' % _DEEP),
    (Code.WRONG_TYPE, "/event", _track(event=5)),
    (Code.WRONG_TYPE, "/userId", _track(userId={"a": 1})),
    (Code.WRONG_TYPE, "/properties", _track(properties="x")),
    (Code.WRONG_TYPE, "/traits", _track(traits=[1])),
    (Code.WRONG_TYPE, "/messageId", _track(messageId=[])),
    (Code.MISSING, "/type", {"anonymousId": "a-1"}),
    (Code.MISSING, "/event", _track(event=None)),
    (Code.MISSING, "/previousId", {"type": "alias", "userId": "u"}),
    (Code.MISSING, "/userId", {"type": "alias", "anonymousId": "a", "previousId": "u"}),
    (Code.NOT_FINITE, "", b'{"type":"track","properties":{"a":NaN}}'),
    (Code.NOT_FINITE, "/properties", b'{"type":"page","properties":{"a":1e400}}'),
    (Code.INVALID_TEXT, "/properties/a", _track(properties={"a": "\0"})),
    (Code.INVALID_TEXT, "", b'{"type":"track","properties":{"a":"\\uDFFF"}}'),
    (Code.INVALID_INSTANT, "/timestamp", _track(timestamp="300000-01-01T00:00:00Z")),
    (Code.INVALID_INSTANT, "/timestamp", _track(timestamp=1_714_564_800)),
    (Code.OUT_OF_RANGE, "/timestamp", _track(timestamp="0001-01-01T00:00:00Z")),
    (Code.OUT_OF_RANGE, "/properties/a", _track(properties={"a": -(2**63) - 1})),
    (Code.TOO_LONG, "/messageId", _track(messageId="m" * 201)),
    (Code.TOO_LARGE, "", _track(properties={"a": "b" * MAX_ITEM_BYTES})),
    (Code.NO_IDENTITY, "", _track(anonymousId=None)),
    (Code.INVALID_KIND, "/event", _track(event="!!!")),
    (Code.INVALID_KIND, "/event", _track(event="Unlinked")),
    (Code.UNKNOWN_VALUE, "/type", _track(type="delete")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "pointer", "item"), _REASONS, ids=[f"{code} {n}" for n, (code, _, _) in enumerate(_REASONS)]
)
def test_reason_and_place_of_a_refusal(code: Code, pointer: str, item: Any) -> None:
    rejected = turned_down(read_segment(item))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)
    assert rejected.refusal.detail
    assert rejected.id


def test_refused_item_says_itself_what_its_batch_said_for_it() -> None:
    envelope = Envelope(sent_at=to_text(NOW + HOUR), context={"locale": "da-DK", "ip": "203.0.113.9"})
    item = {"type": "track", "userId": "u", "timestamp": to_text(NOW + 59 * MINUTE), "context": {"ip": "203.0.113.7"}}

    payload = msgspec.json.decode(turned_down(read_segment(item, envelope)).payload)

    assert payload == {**item, "sentAt": envelope.sent_at, "context": {"locale": "da-DK", "ip": "203.0.113.7"}}
    repaired = taken(read_segment({**payload, "event": "Fine"}))
    assert (repaired.occurred_at, repaired.country) == (NOW - MINUTE, "DK")


def test_words_of_the_item_itself_are_kept_and_its_key_is_not() -> None:
    item = {"type": "track", "userId": "u", "sentAt": to_text(NOW), "context": None}

    kept = turned_down(read_segment({**item, "writeKey": "tw_x_y"}, Envelope(sent_at=to_text(NOW + HOUR)))).payload

    assert msgspec.json.decode(kept) == item


@pytest.mark.parametrize("raw", [b'{ "type" : "track" }', b"{", b"5"], ids=["as sent", "no json", "no object"])
def test_item_with_nothing_to_add_is_kept_as_it_came(raw: bytes) -> None:
    assert turned_down(read_segment(raw)).payload == raw
