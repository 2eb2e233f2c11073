"""Events of Google Analytics' Measurement Protocol to touchpoints."""

import json
from typing import Any

import msgspec
import pytest

from services.ingest.protocols.ga4 import KINDS, READER, open_collected
from services.ingest.protocols.ga4_limits import messages_of
from services.ingest.protocols.outcome import Outcome
from shared.clock import HOUR
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key, email_sha256_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, outcomes_of, taken, turned_down

_STREAM = {"measurement_id": "G-1"}


def _outcomes(said: Any, stream: dict[str, str] | None = None) -> list[Outcome]:
    """As the door reads a request."""
    return outcomes_of(open_collected(as_bytes(said), stream or {}))


def _one(event: dict[str, Any], **said: Any) -> Outcome:
    (outcome,) = _outcomes({"client_id": "c1", **said, "events": [event]})
    return outcome


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"ad_user_data": "granted", "ad_personalization": False}, {"marketing": "granted", "profiling": "denied"}),
        ({"ad_user_data": "YES"}, {}),
    ],
)
def test_consent_is_read_in_any_case(said: dict[str, Any], read: dict[str, str]) -> None:
    assert taken(_one({"name": "page_view"}, consent=said)).consent == read


def test_consent_to_analytics_is_obeyed() -> None:
    refused = turned_down(_one({"name": "page_view"}, consent={"analytics_storage": "DENIED"}))

    assert (refused.refusal.code, refused.payload) == (Code.CONSENT_DENIED, b"")


def test_events_share_what_their_request_says() -> None:
    outcomes = _outcomes(
        {
            "client_id": "123456.7654321",
            "user_id": "u1",
            "timestamp_micros": NOW - HOUR,
            "user_properties": {"tier": {"value": "gold"}, "junk": 5},
            "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
            "device": {"category": "mobile", "language": "da-DK"},
            "ip_override": "203.0.113.9",
            "events": [
                {"name": "generate_lead", "params": {"currency": "USD", "value": 50, "session_id": 123}},
                {"name": "campaign_details", "params": {"campaign": "Summer", "source": "google", "medium": "cpc"}},
            ],
        },
        _STREAM,
    )

    lead, campaign = (taken(one) for one in outcomes)
    assert (lead.kind, lead.protocol, lead.value) == ("lead_generated", "ga4", Money("50", "USD"))
    assert lead.keys == campaign.keys == ("5user_id:u1", "1anonymous_id:123456.7654321")
    assert lead.occurred_at == NOW - HOUR
    assert lead.traits == {"tier": "gold"}
    assert lead.consent == {"marketing": "granted", "profiling": "denied"}
    assert (lead.device, lead.country) == ("mobile", "DK")
    assert msgspec.json.decode(lead.context) == {
        "session_id": "123",
        "measurement_id": "G-1",
        "ip": "203.0.113.0",
        "locale": "da-DK",
        "device": {"category": "mobile", "language": "da-DK"},
    }
    assert (campaign.kind, campaign.channel) == ("campaign_named", "ads")
    assert campaign.campaign == Campaign(source="google", medium="cpc", name="Summer")


@pytest.mark.parametrize(("name", "kind"), [*KINDS.items(), ("quiz_done", "quiz_done"), ("QuizDone", "quiz_done")])
def test_each_event_has_its_kind(name: str, kind: str) -> None:
    assert taken(_one({"name": name})).kind == kind


def test_page_is_where_it_happened() -> None:
    params = {"page_location": "https://x.example/pricing?gclid=1", "page_title": "T", "page_referrer": "https://g.dk/"}

    touchpoint = taken(_one({"name": "page_view", "params": params}))

    assert touchpoint.page == Page(
        url="https://x.example/pricing?gclid=1", path="/pricing", title="T", referrer="https://g.dk/"
    )
    assert touchpoint.channel == "ads"


def test_hashes_of_what_was_typed_in_are_keys() -> None:
    digest = "8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d"  # jane@example.com
    data = {"sha256_email_address": [digest.upper()], "sha256_phone_number": "AB" * 32}

    touchpoint = taken(_one({"name": "generate_lead"}, user_data=data))

    assert touchpoint.keys == (
        email_sha256_key(SECRET, digest),
        "2external.phone_sha256:" + "ab" * 32,
        "1anonymous_id:c1",
    )
    assert touchpoint.keys[0] == email_key(SECRET, "Jane@Example.com")


@pytest.mark.parametrize("name", ["client_id", "app_instance_id", "user_id"])
def test_any_of_the_three_ids_is_enough(name: str) -> None:
    (outcome,) = _outcomes({name: "x1", "events": [{"name": "login"}]})

    assert taken(outcome).keys[0].endswith(":x1")


@pytest.mark.parametrize("said", [NOW - HOUR, str(NOW - HOUR)], ids=["number", "text"])
def test_own_time_of_an_event_comes_before_that_of_the_request_and_none_is_that_of_arrival(said: Any) -> None:
    own = taken(_one({"name": "login", "timestamp_micros": said}, timestamp_micros=NOW - 2 * HOUR))

    assert own.occurred_at == NOW - HOUR
    assert taken(_one({"name": "login"})).occurred_at == NOW


def test_order_told_twice_is_one_and_other_events_are_known_by_their_id_or_their_time() -> None:
    params = {"transaction_id": "T1", "value": 5, "currency": "EUR"}
    purchase = {"name": "purchase", "params": params}

    def item_id(event: dict[str, Any], **said: Any) -> str:
        return taken(_one(event, **said)).id

    assert item_id(purchase) == item_id({**purchase, "params": {**params, "x": 1}}, client_id="c2")
    assert item_id(purchase) != item_id({"name": "refund", "params": params})
    assert item_id({"name": "refund", "params": params}) == "made"
    assert item_id({"name": "login", "params": {"event_id": 7}}) == item_id(
        {"name": "login", "params": {"event_id": "7"}}
    )
    assert item_id({"name": "login"}, timestamp_micros=NOW) == item_id({"name": "login", "timestamp_micros": NOW})
    assert item_id({"name": "login"}, timestamp_micros=NOW) != item_id({"name": "login"}, timestamp_micros=NOW - 1)
    assert item_id({"name": "login"}) == "made"


@pytest.mark.parametrize(
    ("event", "said", "code", "pointer"),
    [
        ({}, {}, Code.MISSING, "/events/0/name"),
        ({"name": 5}, {}, Code.INVALID_KIND, "/events/0/name"),
        ({"name": "identified"}, {}, Code.INVALID_KIND, "/events/0/name"),
        ({"name": "login", "params": []}, {}, Code.WRONG_TYPE, "/events/0/params"),
        ({"name": "login", "params": {"x": 2**70}}, {}, Code.OUT_OF_RANGE, "/events/0/params/x"),
        ({"name": "login", "params": {"x": "a\0"}}, {}, Code.INVALID_TEXT, "/events/0/params/x"),
        ({"name": "login"}, {"client_id": None}, Code.NO_IDENTITY, ""),
        ({"name": "login"}, {"client_id": [1]}, Code.WRONG_TYPE, "/client_id"),
        ({"name": "login"}, {"user_id": "u" * 600}, Code.TOO_LONG, "/user_id"),
        ({"name": "login"}, {"user_properties": [1]}, Code.WRONG_TYPE, "/user_properties"),
        ({"name": "login"}, {"timestamp_micros": "soon"}, Code.INVALID_INSTANT, "/timestamp_micros"),
        ({"name": "login", "timestamp_micros": -1}, {}, Code.INVALID_INSTANT, "/events/0/timestamp_micros"),
        ({"name": "login", "timestamp_micros": 9 * 10**17}, {}, Code.OUT_OF_RANGE, "/events/0/timestamp_micros"),
    ],
)  # fmt: skip
def test_refusal_says_where_and_why_and_can_be_read_again_alone(
    event: dict[str, Any], said: dict[str, Any], code: Code, pointer: str
) -> None:
    body = json.dumps({"client_id": "c1", **said, "events": [event]}).encode()
    rejected = turned_down(*outcomes_of(open_collected(body, _STREAM)))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)
    again = turned_down(READER.read(rejected.payload, ARRIVAL, may_hold_nul=True))
    assert again.refusal == rejected.refusal


def test_one_bad_event_takes_no_other_with_it() -> None:
    body = b'{"client_id":"c1","events":[{"name":"login"},{"name":NaN},5,{"name":"share"}],"user_id":"u1"}'

    outcomes = _outcomes(body)

    assert [type(one).__name__ for one in outcomes] == ["Touchpoint", "Rejected", "Rejected", "Touchpoint"]
    assert taken(outcomes[3]).keys == ("5user_id:u1", "1anonymous_id:c1")


@pytest.mark.parametrize(
    ("body", "code", "kept"),
    [
        (b"", Code.EMPTY_BATCH, 0),
        (b"nonsense", Code.NOT_JSON, 1),
        (b"[]", Code.NOT_AN_OBJECT, 1),
        ({"client_id": "c"}, Code.WRONG_TYPE, 1),
        ({"client_id": "c", "events": []}, Code.EMPTY_BATCH, 1),
        ({"client_id": "c", "events": [{"name": "login"}] * 26}, Code.TOO_MANY_ITEMS, 26),
        ({"client_id": "c", "events": [{"name": "login"}] * 500}, Code.TOO_MANY_ITEMS, 1),
        ({"client_id": "c" * 40_000, "events": [{"name": "login"}]}, Code.TOO_LARGE, 1),
    ],
)  # fmt: skip
def test_request_refused_whole_is_kept_so_that_its_events_can_be_taken_again(body: Any, code: Code, kept: int) -> None:
    split = open_collected(as_bytes(body), {}).split

    assert split.refusal is not None
    assert (split.refusal.code, len(split.items)) == (code, kept)


_GOOD: dict[str, Any] = {"client_id": "c", "events": [{"name": "login", "params": {"session_id": "1"}}]}


def _messages(said: Any, stream: dict[str, str] | None = None) -> list[tuple[str, str]]:
    found = messages_of(as_bytes(said), _STREAM if stream is None else stream)
    return [(one["fieldPath"], one["validationCode"]) for one in found]


def test_valid_request_has_no_messages() -> None:
    assert _messages(_GOOD) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"nonsense", ("", "VALUE_INVALID")),
        ({"events": _GOOD["events"]}, ("client_id", "VALUE_REQUIRED")),
        ({"client_id": "c"}, ("events", "VALUE_REQUIRED")),
        ({**_GOOD, "events": [{"name": "a"}] * 26}, ("events", "EXCEEDED_MAX_ENTITIES")),
        ({**_GOOD, "events": [5]}, ("events[0]", "VALUE_INVALID")),
        ({**_GOOD, "events": [{}]}, ("events[0].name", "VALUE_REQUIRED")),
        ({**_GOOD, "events": [{"name": "1a"}]}, ("events[0].name", "NAME_INVALID")),
        ({**_GOOD, "events": [{"name": "a" * 41}]}, ("events[0].name", "NAME_INVALID")),
        ({**_GOOD, "events": [{"name": "session_start"}]}, ("events[0].name", "NAME_RESERVED")),
        ({**_GOOD, "events": [{"name": "ga_x"}]}, ("events[0].name", "NAME_RESERVED")),
        ({**_GOOD, "events": [{"name": "a", "params": 5}]}, ("events[0].params", "VALUE_INVALID")),
        ({**_GOOD, "events": [{"name": "a", "params": {f"p{i}": 1 for i in range(26)}}]},
         ("events[0].params", "EXCEEDED_MAX_ENTITIES")),
        ({**_GOOD, "events": [{"name": "a", "params": {"p": "x" * 101}}]},
         ("events[0].params.p", "VALUE_OUT_OF_BOUNDS")),
        ({**_GOOD, "events": [{"name": "a", "params": {"a b": 1}}]}, ("events[0].params.a b", "NAME_INVALID")),
        ({**_GOOD, "user_properties": {"p": 5}}, ("user_properties.p", "VALUE_REQUIRED")),
        ({**_GOOD, "user_properties": {"p": {"value": "x" * 37}}}, ("user_properties.p", "VALUE_OUT_OF_BOUNDS")),
        ({**_GOOD, "user_properties": {"p" * 25: {"value": 1}}}, ("user_properties." + "p" * 25, "NAME_INVALID")),
        ({**_GOOD, "user_properties": {f"p{i}": {"value": 1} for i in range(26)}},
         ("user_properties", "EXCEEDED_MAX_ENTITIES")),
        ({**_GOOD, "consent": {"ad_user_data": "YES"}}, ("consent.ad_user_data", "VALUE_INVALID")),
        ({**_GOOD, "timestamp_micros": "soon"}, ("timestamp_micros", "VALUE_INVALID")),
        ({**_GOOD, "x": "x" * 130_000}, ("", "VALUE_OUT_OF_BOUNDS")),
    ],
)  # fmt: skip
def test_each_limit_has_its_message(said: Any, expected: tuple[str, str]) -> None:
    assert _messages(said) == [expected]


def test_stream_must_be_named_and_an_app_has_instances() -> None:
    assert _messages(_GOOD, {}) == [("measurement_id", "VALUE_REQUIRED")]
    assert _messages(_GOOD, {"firebase_app_id": "a"}) == [("app_instance_id", "VALUE_REQUIRED")]


def test_address_as_long_as_google_allows_is_fine() -> None:
    params = {"page_location": "https://x.example/" + "x" * 900}

    assert _messages({**_GOOD, "events": [{"name": "page_view", "params": params}]}) == []
