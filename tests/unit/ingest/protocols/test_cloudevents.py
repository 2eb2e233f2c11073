"""CloudEvents to touchpoints."""

import base64
from typing import Any

import msgspec
import pytest

from services.ingest.protocols.cloudevents import KEYS, NATIVE_TYPE, READER, is_json
from services.ingest.protocols.cloudevents_envelope import UnknownFormat, open_event, open_records
from services.ingest.protocols.outcome import Outcome
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, taken, turned_down

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "A-1",
    "source": "/web/site",
    "type": "com.acme.demo_requested",
    "time": "2026-11-01T12:00:00Z",
    "data": {"email": "jane@example.com"},
}
_CE = {
    b"ce-specversion": b"1.0",
    b"ce-id": b"A-1",
    b"ce-source": b"/web/site",
    b"ce-type": b"com.acme.demo_requested",
}


def _read(item: Any) -> Outcome:
    return READER.read(as_bytes(item), ARRIVAL, may_hold_nul=True)


def _outcomes(content_type: str, body: Any, headers: dict[bytes, bytes] | None = None) -> list[Outcome]:
    """As the door reads a request."""
    split = open_event(content_type, headers or {}, as_bytes(body), 10).split
    return [READER.read(item, ARRIVAL, may_hold_nul=split.may_hold_nul) for item in split.items]


def _said(headers: dict[bytes, bytes], body: bytes, content_type: str = "application/json") -> Any:
    (item,) = open_event(content_type, headers, body, 10).split.items
    return msgspec.json.decode(item)


def test_event_of_anybody_is_understood_by_obvious_names() -> None:
    data = {
        "userId": "u1",
        "anonymous_id": "a1",
        "email": "jane@example.com",
        "traits": {"company": "Acme"},
        "campaign": {"source": "google", "medium": "cpc"},
        "page": {"url": "https://x.example/pricing"},
        "revenue": 129.5,
        "currency": "EUR",
        "consent": {"marketing": "Granted", "profiling": False, "x": 5},
        "context": {"country": "DK", "ip": "203.0.113.9"},
    }

    touchpoint = taken(_read({**_EVENT, "data": data, "subject": "s", "partitionkey": "p"}))

    assert (touchpoint.kind, touchpoint.protocol, touchpoint.channel) == ("demo_requested", "cloudevents", "ads")
    assert touchpoint.keys == ("5user_id:u1", email_key(SECRET, "jane@example.com"), "1anonymous_id:a1")
    assert touchpoint.campaign == Campaign(source="google", medium="cpc")
    assert touchpoint.page == Page(url="https://x.example/pricing", path="/pricing")
    assert touchpoint.value == Money("129.5", "EUR")
    assert touchpoint.consent == {"marketing": "granted", "profiling": "denied"}
    assert touchpoint.traits["company"] == "Acme"
    assert touchpoint.occurred_at < NOW
    assert msgspec.json.decode(touchpoint.properties) == data
    assert msgspec.json.decode(touchpoint.context) == {
        "country": "DK",
        "ip": "203.0.113.0",
        "cloudevent": {
            "id": "A-1",
            "source": "/web/site",
            "type": "com.acme.demo_requested",
            "time": "2026-11-01T12:00:00Z",
            "subject": "s",
            "partitionkey": "p",
        },
    }


@pytest.mark.parametrize(("ours", "name"), [(ours, name) for ours, names in KEYS.items() for name in names])
def test_every_name_of_a_key_is_found(ours: str, name: str) -> None:
    value = {"email": "a@b.dk", "phone": "+4520123456"}.get(ours, "x1")

    touchpoint = taken(_read({**_EVENT, "data": {"user_id": "u", name: value}}))

    assert (
        (touchpoint.account == "x1")
        if ours == "account_id"
        else len(touchpoint.keys) == (1 if ours == "user_id" else 2)
    )


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("com.acme.order_completed", "order_completed"),
        ("com.acme.OrderCompleted.v2", "order_completed"),
        ("com.acme.lead.touchpoint", "touchpoint"),
        ("Microsoft.Storage/BlobCreated", "blob_created"),
        ("com.acme:product_added:1", "cart_item_added"),
        ("seen", "seen"),
    ],
)
def test_kind_is_the_last_part_of_the_type(event_type: str, kind: str) -> None:
    assert taken(_read({**_EVENT, "type": event_type})).kind == kind


def test_touchpoint_of_ours_is_the_data_itself() -> None:
    data = {"kind": "page_viewed", "id": "own", "identity": {"user_id": "u1"}, "channel": "event"}

    touchpoint = taken(_read({**_EVENT, "type": NATIVE_TYPE, "data": data}))
    bad = turned_down(_read({**_EVENT, "type": NATIVE_TYPE, "data": {**data, "channel": "smoke"}}))

    assert (touchpoint.kind, touchpoint.channel, touchpoint.keys) == ("page_viewed", "event", ("5user_id:u1",))
    assert touchpoint.id == taken(_read(_EVENT)).id
    assert (bad.refusal.code, bad.refusal.pointer) == (Code.UNKNOWN_VALUE, "/data/channel")


def test_only_a_touchpoint_of_ours_can_be_misspelt() -> None:
    ours = {"type": NATIVE_TYPE, "data": {"kind": "page_viewed", "identity": {"anonymous_id": "c-1"}, "chanel": "ads"}}
    theirs = {"data": {"identity": {"anonymous_id": "c-1", "userId": "u-1"}, "chanel": "ads"}}

    refusal = turned_down(_read({**_EVENT, **ours})).refusal

    assert (refusal.code, refusal.pointer) == (Code.UNKNOWN_FIELD, "/data/chanel")
    assert "1anonymous_id:c-1" in taken(_read({**_EVENT, **theirs})).keys


def test_source_and_id_together_are_the_id() -> None:
    ids = {
        taken(_read({**_EVENT, "source": source, "id": own})).id
        for source, own in (("/a", "1"), ("/a", "2"), ("/b", "1"), ("/a1", ""), ("/a", "1"))
        if own
    }
    again = taken(_read({**_EVENT, "time": "2020-01-01T00:00:00Z", "data": {"user_id": "other"}}))

    assert len(ids) == 3
    assert again.id == taken(_read(_EVENT)).id


@pytest.mark.parametrize(
    "time", ["2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000Z", "2026-11-01T13:00:00.000000+01:00"]
)
def test_every_form_of_a_time_is_taken(time: str) -> None:
    expected = taken(_read({**_EVENT, "time": "2026-11-01T12:00:00+00:00"})).occurred_at

    assert taken(_read({**_EVENT, "time": time})).occurred_at == expected
    assert taken(_read({**_EVENT, "time": None})).occurred_at == NOW


def test_data_in_base64_is_read_when_it_is_json() -> None:
    coded = base64.b64encode(b'{"user_id":"u1"}').decode()
    event = {name: value for name, value in _EVENT.items() if name != "data"}

    assert taken(_read({**event, "data_base64": coded})).keys == ("5user_id:u1",)
    assert (
        turned_down(_read({**event, "data_base64": coded, "datacontenttype": "text/x"})).refusal.code
        == Code.NO_IDENTITY
    )


def test_text_in_quotes_is_not_read_again() -> None:
    rejected = turned_down(_read({**_EVENT, "data": '{"user_id":"u1"}'}))

    assert rejected.refusal.code == Code.NO_IDENTITY


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"id": None}, Code.MISSING, "/id"),
        ({"source": ""}, Code.MISSING, "/source"),
        ({"type": 5}, Code.WRONG_TYPE, "/type"),
        ({"specversion": "0.3"}, Code.UNKNOWN_VALUE, "/specversion"),
        ({"subject": "a\nb"}, Code.INVALID_TEXT, "/subject"),
        ({"subject": 5}, Code.WRONG_TYPE, "/subject"),
        ({"extension": {}}, Code.WRONG_TYPE, "/extension"),
        ({"Extension": "x"}, Code.UNKNOWN_VALUE, ""),
        ({"time": "noon"}, Code.INVALID_INSTANT, "/time"),
        ({"type": "com.acme.identified"}, Code.INVALID_KIND, "/type"),
        ({"type": "..."}, Code.INVALID_KIND, "/type"),
        ({"data": None}, Code.NO_IDENTITY, ""),
        ({"data": {"user_id": "u" * 600}}, Code.TOO_LONG, "/data/user_id"),
        ({"data": {"user_id": "a\0"}}, Code.INVALID_TEXT, "/data/user_id"),
        ({"data": {"user_id": "u", "identity": {"external": {"A!": "1"}}}}, Code.UNKNOWN_VALUE,
         "/data/identity/external/A!"),
        ({"data_base64": "e30="}, Code.UNKNOWN_VALUE, "/data_base64"),
        ({"data": None, "data_base64": "?"}, Code.WRONG_TYPE, "/data_base64"),
        ({"data": None, "data_base64": "ew=="}, Code.NOT_JSON, "/data_base64"),
        ({"type": NATIVE_TYPE, "data": []}, Code.NOT_AN_OBJECT, "/data"),
        ({"type": NATIVE_TYPE, "data": {}}, Code.MISSING, "/data/kind"),
    ],
)  # fmt: skip
def test_refusal_says_where_and_why(change: dict[str, Any], code: Code, pointer: str) -> None:
    rejected = turned_down(_read({**_EVENT, **change}))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)


def test_batch_is_looked_for_before_structured() -> None:
    batched = _outcomes(_BATCH.upper(), [_EVENT, {**_EVENT, "id": "A-2"}])
    structured = _outcomes(f"{_STRUCTURED}; charset=utf-8", _EVENT)

    assert [taken(one).kind for one in batched] == ["demo_requested"] * 2
    assert taken(structured[0]).id == taken(batched[0]).id


def test_batch_may_be_empty_and_one_bad_event_takes_no_other_with_it() -> None:
    empty = open_event(_BATCH, {}, b"[]", 10).split
    mixed = _outcomes(_BATCH, b"[" + msgspec.json.encode(_EVENT) + b',{"id":NaN}, 5]')

    assert (empty.items, empty.refusal) == ([], None)
    assert [type(one).__name__ for one in mixed] == ["Touchpoint", "Rejected", "Rejected"]


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        (_BATCH, b"{}", Code.WRONG_TYPE),
        (_BATCH, b"nonsense", Code.NOT_JSON),
        (_BATCH, msgspec.json.encode([_EVENT] * 11), Code.TOO_MANY_ITEMS),
        (_STRUCTURED, b"", Code.EMPTY_BATCH),
    ],
    ids=["object", "no json", "too many", "nothing"],
)
def test_request_that_is_no_batch_or_event_is_refused_whole(content_type: str, body: bytes, code: Code) -> None:
    refusal = open_event(content_type, {}, body, 10).split.refusal

    assert refusal is not None
    assert refusal.code == code


@pytest.mark.parametrize("content_type", ["application/cloudevents+avro", "application/cloudevents-batch+xml"])
def test_other_formats_are_unknown(content_type: str) -> None:
    with pytest.raises(UnknownFormat):
        open_event(content_type, {}, b"", 10)


def test_binary_event_has_its_attributes_in_headers() -> None:
    headers = {**_CE, b"ce-partitionkey": b"u1", b"ce-datacontenttype": b"text/lies", b"accept": b"*/*"}

    said = _said(headers, b'{"email":"jane@example.com"}', "application/json; charset=utf-8")

    assert said == {
        "specversion": "1.0",
        "id": "A-1",
        "source": "/web/site",
        "type": "com.acme.demo_requested",
        "partitionkey": "u1",
        "datacontenttype": "application/json; charset=utf-8",
        "data": {"email": "jane@example.com"},
    }
    assert taken(_read(said)).id == taken(_read(_EVENT)).id


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"u%201%20%E2%82%AC", "u 1 €"),
        ("u 1 €".encode(), "u 1 €"),
        (b"caf\xe9", "café"),
        (b'"u 1 \\" x"', 'u 1 " x'),
        (b"100%", "100%"),
        (b"%2525", "%25"),
    ],
    ids=["encoded", "raw", "latin-1", "quoted", "no escape", "decoded once"],
)
def test_headers_are_taken_percent_encoded_raw_and_quoted(value: bytes, expected: str) -> None:
    assert _said({**_CE, b"ce-subject": value}, b"{}")["subject"] == expected


def test_header_that_is_no_text_is_refused_and_kept() -> None:
    split = open_event("application/json", {**_CE, b"ce-subject": b"%C0%A0"}, b'{"user_id":"u"}', 10).split

    assert split.refusal is not None
    assert (split.refusal.code, split.refusal.pointer, len(split.items)) == (Code.INVALID_TEXT, "/subject", 1)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("", b'{"user_id":"u"}', {"data": {"user_id": "u"}}),
        ("", b"\x00\x01", {"datacontenttype": "application/octet-stream", "data_base64": "AAE="}),
        ("text/plain", b"hello", {"datacontenttype": "text/plain", "data": "hello"}),
        ("application/avro", b"\x00", {"datacontenttype": "application/avro", "data_base64": "AA=="}),
        ("application/vnd.acme+json", b"[1]", {"datacontenttype": "application/vnd.acme+json", "data": [1]}),
        ("application/json", b"", {"datacontenttype": "application/json"}),
    ],
)
def test_data_is_json_where_it_is_and_nothing_said_means_json(content_type: str, body: bytes, expected: Any) -> None:
    said = _said(_CE, body, content_type)

    assert {name: said[name] for name in said if name.startswith("data")} == expected


def test_damaged_json_is_kept_as_the_bytes_it_is() -> None:
    (outcome,) = _outcomes("application/json", b'{"user_id":', dict(_CE))

    assert (turned_down(outcome).refusal.code, turned_down(outcome).refusal.pointer) == (Code.NOT_JSON, "/data_base64")


def test_json_that_is_no_event_says_what_is_missing() -> None:
    (outcome,) = _outcomes("application/json", {"user_id": "u"})

    assert (turned_down(outcome).refusal.code, turned_down(outcome).refusal.pointer) == (Code.MISSING, "/specversion")


@pytest.mark.parametrize("text", ["application/json", "text/json;charset=x", "application/a.b+json", "", None])
def test_json_is_known_by_its_type(text: str | None) -> None:
    assert is_json(text)
    assert not is_json("application/jsonx")


def test_records_of_kafka_are_binary_or_structured_and_never_percent_encoded() -> None:
    headers = [(name.decode().replace("ce-", "ce_"), value) for name, value in _CE.items()]
    binary = [*headers, ("ce_subject", b"100%25 \xe2\x82\xac"), ("content-type", b"application/json")]
    structured = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    avro = [("content-type", b"application/cloudevents+avro")]

    items = open_records([(binary, b"{}"), (structured, as_bytes(_EVENT)), ([], b""), (avro, b"x")]).split.items

    assert msgspec.json.decode(items[0])["subject"] == "100%25 €"
    assert taken(_read(bytes(items[1]))).kind == "demo_requested"
    assert turned_down(_read(bytes(items[2]))).refusal.code == Code.MISSING
    assert len(items) == 3
