"""PostHog's events to touchpoints."""

from typing import Any

import msgspec
import pytest

from services.ingest.domain.bounds import MAX_DEPTH, MAX_ITEM_BYTES
from services.ingest.protocols.posthog import Events
from services.ingest.protocols.readers import reader_of
from shared.clock import HOUR, MINUTE, to_text
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, read_posthog, taken, turned_down

_UUID = "01a200e5-c533-72a0-83e9-73a3823ac906"
_AS_IT_IS = {"disable_skew_correction": True}
_DEVICE = "01a200e5-0000-72a0-83e9-73a3823ac906"


def _event(name: str = "Demo Requested", distinct_id: Any = "u-9", **fields: Any) -> dict[str, Any]:
    return {"uuid": _UUID, "event": name, "distinct_id": distinct_id, **fields}


def _seen(**properties: Any) -> dict[str, Any]:
    return {"uuid": _UUID, "event": "$pageview", "properties": {"distinct_id": "u-9", **properties}}


def test_browser_event_finds_its_place() -> None:
    touchpoint = taken(
        read_posthog(
            {
                **_seen(
                    title="Pricing",
                    plan="team",
                    nothing=None,
                    utm_source="google",
                    utm_medium=None,
                    utm_campaign="spring",
                    gclid="G1",
                    fbclid=None,
                    **{
                        "token": "tw_web_x",
                        "$device_id": _DEVICE,
                        "$session_id": "s-1",
                        "$current_url": "https://site/p?utm_source=google&gclid=G1",
                        "$pathname": "/p",
                        "$referrer": "$direct",
                        "$lib": "web",
                        "$is_identified": True,
                        "$device_type": "Mobile",
                        "$browser_language": "da-DK",
                        "$ip": "203.0.113.77",
                        "$groups": {"team": "t", "company": "acme"},
                        "$screen_height": None,
                    },
                ),
                "timestamp": to_text(NOW + 59 * MINUTE),
            },
            Events(sent_at=to_text(NOW + HOUR)),
        )
    )

    assert (touchpoint.id, touchpoint.kind, touchpoint.channel) == (_UUID, "page_viewed", "ads")
    assert (touchpoint.keys, touchpoint.protocol) == (("5user_id:u-9",), "posthog")
    assert (touchpoint.occurred_at, touchpoint.sent_at) == (NOW - MINUTE, NOW + HOUR)
    assert touchpoint.page == Page(url="https://site/p?utm_source=google&gclid=G1", path="/p", title="Pricing")
    assert touchpoint.campaign == Campaign(source="google", name="spring", click_id="gclid:G1")
    assert (touchpoint.country, touchpoint.device, touchpoint.account) == ("DK", "mobile", "acme")
    own = {"title": "Pricing", "plan": "team", "utm_source": "google", "utm_campaign": "spring", "gclid": "G1"}
    assert msgspec.json.decode(touchpoint.properties) == own
    context = msgspec.json.decode(touchpoint.context)
    assert (context["ip"], context["$lib"], context["$session_id"]) == ("203.0.113.0", "web", "s-1")
    assert "tw_web_x" not in encode(touchpoint).decode()
    assert "$screen_height" not in context


@pytest.mark.parametrize(
    ("name", "properties", "kind"),
    [
        ("$pageview", {}, "page_viewed"),
        ("$pageleave", {}, "page_left"),
        ("$screen", {}, "screen_viewed"),
        ("$autocapture", {"$event_type": "click"}, "element_clicked"),
        ("$autocapture", {"$event_type": ["click"]}, "element_used"),
        ("$identify", {}, "identified"),
        ("$set", {"$set": {"plan": "team"}}, "identified"),
        ("$create_alias", {"alias": "u-10", "distinct_id": "u-9"}, "aliased"),
        ("$groupidentify", {"$group_type": "company", "$group_key": "acme"}, "account_joined"),
        ("$feature_flag_called", {}, "feature_flag_called"),
        ("Order Completed", {}, "order_completed"),
        ("orderCompleted", {}, "order_completed"),
    ],
)
def test_each_event_has_its_kind(name: str, properties: dict[str, Any], kind: str) -> None:
    assert taken(read_posthog(_event(name, properties=properties))).kind == kind


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (_event("$pageview"), ("5user_id:u-9",)),
        (_event("$pageview", 97980), ("5user_id:97980",)),
        (_event("$pageview", None, **{"$distinct_id": "u-8"}), ("5user_id:u-8",)),
        (_event("$pageview", "", properties={"distinct_id": "u-7"}), ("5user_id:u-7",)),
        (_event("$pageview", "u-9", properties={"distinct_id": "u-7"}), ("5user_id:u-9",)),
        (_event("$pageview", {"a": 1}), ('5user_id:{"a":1}',)),
        (_event("$pageview", "x" * 300), ("5user_id:" + "x" * 200,)),
        (_event("$pageview", _DEVICE, properties={"$device_id": _DEVICE}), ("1anonymous_id:" + _DEVICE,)),
        (_event("$pageview", "d", properties={"$is_identified": False}), ("1anonymous_id:d",)),
        (_event("$pageview", "u", properties={"$is_identified": True, "$device_id": "u"}), ("5user_id:u",)),
        (_event("$pageview", "d", properties={"$process_person_profile": False}), ("1anonymous_id:d",)),
        (_event("$pageview", "d", options={"process_person_profile": False}), ("1anonymous_id:d",)),
        (_event("$identify", "u-1", properties={"$anon_distinct_id": "d"}), ("5user_id:u-1", "1anonymous_id:d")),
    ],
    ids=[
        "text", "number", "$distinct_id", "in the properties", "top level wins", "object", "cut", "device",
        "not identified", "identified", "no profile", "no profile of v1", "identify",
    ],
)  # fmt: skip
def test_id_is_a_users_unless_the_event_says_that_nobody_is_known(event: dict[str, Any], keys: tuple[str, ...]) -> None:
    assert taken(read_posthog(event)).keys == keys


@pytest.mark.parametrize(
    "event",
    [
        _event(
            "$identify", "u-1", **{"$set": {"email": "Jane@example.com", "$initial_os": "x"}, "$set_once": {"a": 1}}
        ),
        _event("$identify", "u-1", properties={"$set": {"email": "Jane@example.com"}, "$set_once": {"a": 1}}),
        _event(
            "$set", "u-1", properties={"$set": {"email": "x@y.z"}}, **{"$set": {"email": "Jane@example.com", "a": 1}}
        ),
    ],
    ids=["top level", "in the properties", "both"],
)
def test_traits_are_found_where_sdks_put_them(event: dict[str, Any]) -> None:
    touchpoint = taken(read_posthog(event))

    assert email_key(SECRET, "jane@example.com") in touchpoint.keys
    assert touchpoint.traits == {"email": "Jane@example.com", "a": 1}


def test_alias_joins_the_previous_user_id_to_the_new_one() -> None:
    touchpoint = taken(read_posthog(_event("$create_alias", "u-9", properties={"distinct_id": "u-9", "alias": "u-10"})))

    assert (touchpoint.keys, touchpoint.previous) == (("5user_id:u-10",), "5user_id:u-9")


def test_alias_of_a_device_identifies_it() -> None:
    said = {"distinct_id": "d", "alias": "u-10", "$is_identified": False}

    touchpoint = taken(read_posthog(_event("$create_alias", "d", properties=said)))

    assert (touchpoint.kind, touchpoint.previous) == ("identified", None)
    assert touchpoint.keys == ("5user_id:u-10", "1anonymous_id:d")


@pytest.mark.parametrize(
    ("distinct_id", "key"),
    [("u-9", "5user_id:u-9"), ("$company_acme", "1anonymous_id:$company_acme"), (_UUID, "1anonymous_id:" + _UUID)],
    ids=["somebody", "made for the group", "made at random"],
)
def test_group_is_an_account_and_its_traits_are_nobodys(distinct_id: str, key: str) -> None:
    said = {"$group_type": "company", "$group_key": "acme", "$group_set": {"email": "info@acme.example"}}

    touchpoint = taken(read_posthog(_event("$groupidentify", distinct_id, properties=said)))

    assert (touchpoint.keys, touchpoint.account, touchpoint.traits) == ((key,), "acme", {})
    assert msgspec.json.decode(touchpoint.properties) == {"email": "info@acme.example"}


def test_address_in_a_form_is_that_persons() -> None:
    form = _event("Demo Requested", "d", properties={"email": "jane@example.com", "$is_identified": False})
    other = _event("Colleague Invited", "u-9", properties={"email": "bob@example.com"})

    assert taken(read_posthog(form)).keys == (email_key(SECRET, "jane@example.com"), "1anonymous_id:d")
    assert taken(read_posthog(other)).keys == ("5user_id:u-9",)


@pytest.mark.parametrize(
    ("times", "sent_at", "occurred_at"),
    [
        ({"timestamp": to_text(NOW + 59 * MINUTE)}, to_text(NOW + HOUR), NOW - MINUTE),
        ({"timestamp": to_text(NOW - HOUR)}, None, NOW - HOUR),
        ({"timestamp": to_text(NOW + 59 * MINUTE), "sent_at": to_text(NOW + HOUR)}, None, NOW - MINUTE),
        ({"timestamp": to_text(NOW - HOUR), "offset": 5}, None, NOW - HOUR),
        ({"offset": 60_000}, to_text(NOW + HOUR), NOW - MINUTE),
        ({"offset": -60_000}, None, NOW),
        ({"offset": 10**12}, None, NOW - 10**15),
        ({"offset": "5"}, None, NOW),
        ({"timestamp": ""}, to_text(NOW + HOUR), NOW),
        ({}, None, NOW),
        ({"timestamp": to_text(NOW - HOUR), "properties": {"$ignore_sent_at": True}}, to_text(NOW + 1), NOW - HOUR),
        ({"timestamp": to_text(NOW - HOUR), "options": _AS_IT_IS}, to_text(NOW + 1), NOW - HOUR),
    ],
)  # fmt: skip
def test_clock_is_corrected_where_it_was_told(times: dict[str, Any], sent_at: Any, occurred_at: int) -> None:
    assert taken(read_posthog(_event(**times), Events(sent_at=sent_at))).occurred_at == occurred_at


def test_event_without_a_name_engages() -> None:
    item = {"$distinct_id": "u-1", "$set": {"email": "jane@example.com"}}

    touchpoint = taken(read_posthog(item, Events(engages=True)))

    assert (touchpoint.kind, touchpoint.traits) == ("identified", {"email": "jane@example.com"})
    assert turned_down(read_posthog(item)).refusal.pointer == "/event"
    again = reader_of(Events(engages=True).protocol)
    assert again is not None
    assert taken(again.read(as_bytes(item), ARRIVAL, may_hold_nul=False)).kind == "identified"


@pytest.mark.parametrize("fields", [{"uuid": _UUID}, {"uuid": "", "properties": {"$insert_id": _UUID}}])
def test_id_is_the_events_own(fields: dict[str, Any]) -> None:
    assert taken(read_posthog({"event": "x", "distinct_id": "u", **fields})).id == _UUID


def test_id_is_made_of_the_content_whatever_the_sending_adds() -> None:
    item = {"event": "x", "distinct_id": "u", "timestamp": "2026-01-01T00:00:00Z"}

    first = taken(read_posthog({**item, "sent_at": to_text(NOW), "token": "tw_x"}))
    retry = taken(read_posthog({**item, "sent_at": to_text(NOW + HOUR)}))

    assert first.id == retry.id
    assert taken(read_posthog({"event": "x", "distinct_id": "u", "offset": 5})).id == "made"


def test_money_is_revenue() -> None:
    paid = _event("Order Completed", properties={"revenue": 12.5, "currency": "eur"})

    assert taken(read_posthog(paid)).value == Money("12.5", "EUR")


def test_null_parts_survive_the_log() -> None:
    nothing = dict.fromkeys(["properties", "timestamp", "offset", "$set", "$set_once", "options", "sent_at", "ip"])

    assert decode_touchpoint(encode(taken(read_posthog({**_event(), **nothing})))).kind == "demo_requested"


def test_refused_event_says_itself_when_it_was_sent_and_holds_no_key() -> None:
    tokens = {"token": "tw_1", "$token": "tw_2", "api_key": "tw_3", "properties": {"token": "tw_4", "a": 1}}
    item = {"distinct_id": "u", "timestamp": to_text(NOW + 59 * MINUTE), **tokens}

    payload = turned_down(read_posthog(item, Events(sent_at=to_text(NOW + HOUR)))).payload

    assert b"tw_" not in payload
    repaired = taken(read_posthog({**msgspec.json.decode(payload), "event": "Fine"}))
    assert (repaired.occurred_at, msgspec.json.decode(repaired.properties)) == (NOW - MINUTE, {"a": 1})


_DEEP = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
_REASONS: list[tuple[Code, str, Any]] = [
    (Code.NOT_JSON, "", b"{"),
    (Code.NOT_AN_OBJECT, "", b"[]"),
    (Code.NOT_AN_OBJECT, "", b"5"),
    (Code.TOO_DEEP, "/properties/a" + "/0" * (MAX_DEPTH - 1), b'{"event":"x","properties":{"a":%s}}' % _DEEP),
    (Code.WRONG_TYPE, "/event", {"event": 5, "distinct_id": "u"}),
    (Code.WRONG_TYPE, "/event", {"event": ["x"], "distinct_id": "u"}),
    (Code.WRONG_TYPE, "/properties", _event(properties="x")),
    (Code.WRONG_TYPE, "/$set", {**_event(), "$set": [1]}),
    (Code.WRONG_TYPE, "/uuid", _event(uuid=[])),
    (Code.MISSING, "/event", {"distinct_id": "u"}),
    (Code.MISSING, "/distinct_id", {"event": "x"}),
    (Code.MISSING, "/distinct_id", {"event": "x", "distinct_id": "", "properties": {"distinct_id": None}}),
    (Code.MISSING, "/properties/alias", _event("$create_alias")),
    (Code.NOT_FINITE, "/properties", b'{"event":"x","distinct_id":"u","properties":{"a":1e400}}'),
    (Code.INVALID_TEXT, "/properties/a", _event(properties={"a": "\0"})),
    (Code.INVALID_INSTANT, "/timestamp", _event(timestamp="soon")),
    (Code.INVALID_INSTANT, "/timestamp", _event(timestamp=1_714_564_800)),
    (Code.OUT_OF_RANGE, "/properties/a", _event(properties={"a": 2**63})),
    (Code.TOO_LONG, "/uuid", _event(uuid="m" * 201)),
    (Code.TOO_LARGE, "", _event(properties={"a": "b" * MAX_ITEM_BYTES})),
    (Code.NO_IDENTITY, "", _event(distinct_id="anonymous")),
    (Code.INVALID_KIND, "/event", _event("!!!")),
    (Code.INVALID_KIND, "/event", _event("Unlinked")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "pointer", "item"), _REASONS, ids=[f"{code} {n}" for n, (code, _, _) in enumerate(_REASONS)]
)
def test_reason_and_place_of_a_refusal(code: Code, pointer: str, item: Any) -> None:
    rejected = turned_down(read_posthog(item))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)
    assert rejected.refusal.detail
    assert rejected.id
