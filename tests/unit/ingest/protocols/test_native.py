"""Native touchpoints: what is read, what is made, and one test per reason to refuse."""

from typing import Any

import msgspec
import pytest

from services.ingest.domain.bounds import MAX_DEPTH, MAX_ITEM_BYTES
from services.ingest.protocols import native
from shared.clock import HOUR, MINUTE, to_text
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, read_native, taken, turned_down

_SOMEONE: dict[str, Any] = {"kind": "page_viewed", "identity": {"anonymous_id": "a-1"}}


def _with(**fields: Any) -> dict[str, Any]:
    return {**_SOMEONE, **fields}


def _nested(depth: int) -> dict[str, Any]:
    """An object of that depth, itself included."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def _listed(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_every_field_finds_its_place() -> None:
    touchpoint = taken(
        read_native(
            {
                "id": "t-1",
                "kind": "order_completed",
                "occurred_at": to_text(NOW - HOUR),
                "channel": "sales",
                "identity": {
                    "user_id": 7,
                    "email": "Jane@example.com",
                    "account_id": "acme",
                    "external": {"hubspot": 5},
                },
                "traits": {"name": "Jane", "nested": {"a": [1, None]}},
                "campaign": {"source": "google", "medium": "cpc"},
                "page": {"url": "https://shop.example/p?utm_campaign=spring&gclid=G1", "title": "P"},
                "value": {"amount": "129.00", "currency": "eur"},
                "consent": {"marketing": "denied"},
                "properties": {"order_id": "9"},
                "context": {"country": "dk", "user_agent": "Mozilla/5.0 (iPhone) Mobile", "ip": "203.0.113.77"},
            }
        )
    )

    assert touchpoint.keys == ("5user_id:7", email_key(SECRET, "jane@example.com"), "2external.hubspot:5")
    assert (touchpoint.id, touchpoint.kind, touchpoint.channel) == ("t-1", "order_completed", "sales")
    assert (touchpoint.occurred_at, touchpoint.received_at) == (NOW - HOUR, NOW)
    assert touchpoint.campaign == Campaign(source="google", medium="cpc", name="spring", click_id="gclid:G1")
    assert touchpoint.page == Page(url="https://shop.example/p?utm_campaign=spring&gclid=G1", title="P")
    assert touchpoint.value == Money("129.00", "EUR")
    assert (touchpoint.country, touchpoint.device, touchpoint.account) == ("DK", "mobile", "acme")
    assert touchpoint.traits == {"name": "Jane", "nested": {"a": [1, None]}, "email": "Jane@example.com"}
    assert touchpoint.consent == {"marketing": "denied"}
    assert msgspec.json.decode(touchpoint.properties) == {"order_id": "9"}
    assert msgspec.json.decode(touchpoint.context)["ip"] == "203.0.113.0"
    assert touchpoint.workspace == "w-1"


def test_least_touchpoint_is_enough_and_survives_the_log() -> None:
    touchpoint = taken(read_native(_SOMEONE))

    again = decode_touchpoint(encode(touchpoint))
    assert (again.id, again.keys, again.channel) == ("made", ("1anonymous_id:a-1",), "web")
    assert again.occurred_at == again.received_at == NOW


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "occurred_at",
        "sent_at",
        "channel",
        "traits",
        "campaign",
        "page",
        "value",
        "consent",
        "properties",
        "context",
        "previous",
    ],
)
def test_null_is_nothing(name: str) -> None:
    touchpoint = taken(read_native(_with(**{name: None})))

    assert decode_touchpoint(encode(touchpoint)).keys == ("1anonymous_id:a-1",)


def test_unknown_fields_are_left() -> None:
    touchpoint = taken(read_native(_with(colour="red", identity={"anonymous_id": "a-1", "shoe_size": 44})))

    assert touchpoint.keys == ("1anonymous_id:a-1",)


def test_clock_of_the_client_is_corrected() -> None:
    touchpoint = taken(read_native(_with(occurred_at=to_text(NOW + 59 * MINUTE), sent_at=to_text(NOW + HOUR))))

    assert touchpoint.occurred_at == NOW - MINUTE


def test_an_address_that_is_a_key_is_a_trait_too_since_nobody_can_read_the_key() -> None:
    said = {"anonymous_id": "a-1", "email": " Jane@Example.com "}

    assert taken(read_native(_with(identity=said))).traits == {"email": "Jane@Example.com"}
    assert taken(read_native(_with(identity=said, traits={"email": None}))).traits == {"email": None}
    assert taken(read_native(_with(identity={"anonymous_id": "a-1", "email": "none"}))).traits == {}
    cut = {"kind": "unlinked", "identity": {"email": "jane@example.com"}, "previous": {"user_id": "u-1"}}
    assert taken(read_native(_with(**cut))).traits == {}


def test_keys_among_the_traits_count() -> None:
    touchpoint = taken(
        read_native(_with(kind="identified", traits={"email": "jane@example.com", "phone": "+45 20123456"}))
    )

    assert touchpoint.keys == (email_key(SECRET, "jane@example.com"), "3phone:+4520123456", "1anonymous_id:a-1")


def test_channel_is_classified_when_it_is_not_said() -> None:
    assert taken(read_native(_with(page={"url": "https://x/?gclid=1"}))).channel == "ads"
    assert (
        taken(read_native(_with(page={"url": "https://x/", "referrer": "https://www.bing.com/"}))).channel == "search"
    )
    assert taken(read_native(_with(kind="webinar_attended"))).channel == "webinar"


def test_id_is_made_of_the_content_when_it_carries_its_own_time() -> None:
    item = _with(occurred_at=to_text(NOW - HOUR), properties={"a": 1, "b": 2})

    first = taken(read_native({**item, "sent_at": to_text(NOW)}))
    retry = taken(read_native(dict(reversed(list({**item, "sent_at": to_text(NOW + HOUR)}.items())))))
    other = taken(read_native({**item, "properties": {"a": 1, "b": 3}}))

    assert first.id == retry.id != other.id
    assert len(first.id) == 32


def test_previous_of_an_alias_is_a_user_id() -> None:
    touchpoint = taken(read_native({"kind": "aliased", "identity": {"user_id": "u2"}, "previous": {"user_id": "u1"}}))

    assert (touchpoint.keys, touchpoint.previous) == (("5user_id:u2",), "5user_id:u1")


def test_split_carries_the_key_cut_and_its_owner() -> None:
    touchpoint = taken(
        read_native({"kind": "unlinked", "identity": {"anonymous_id": "a1"}, "previous": {"user_id": "u1"}})
    )

    assert (touchpoint.keys, touchpoint.previous) == (("1anonymous_id:a1",), "5user_id:u1")


_TWO = {"user_id": 1, "anonymous_id": 2}
_REASONS: list[tuple[Code, str, Any]] = [
    (Code.NOT_JSON, "", b'{"kind":"page_viewed",}'),
    (Code.NOT_JSON, "", b'{"kind":"page_viewed"'),
    (Code.NOT_AN_OBJECT, "", b"[1]"),
    (Code.NOT_AN_OBJECT, "", b'"page_viewed"'),
    (Code.NOT_AN_OBJECT, "", b"null"),
    (Code.TOO_DEEP, "", b'{"kind":"page_viewed","properties":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}"),
    (Code.TOO_DEEP, "/properties" + "/a" * MAX_DEPTH, _with(properties=_nested(MAX_DEPTH + 1))),
    (Code.TOO_DEEP, "/traits" + "/a" * MAX_DEPTH, _with(traits=_nested(MAX_DEPTH + 1))),
    (Code.WRONG_TYPE, "/kind", _with(kind=7)),
    (Code.WRONG_TYPE, "/id", _with(id=[])),
    (Code.WRONG_TYPE, "/occurred_at", _with(occurred_at=1_714_564_800)),
    (Code.WRONG_TYPE, "/identity", _with(identity="u-1")),
    (Code.WRONG_TYPE, "/identity/user_id", _with(identity={"user_id": {"a": 1}})),
    (Code.WRONG_TYPE, "/identity/external", _with(identity={"external": "501"})),
    (Code.WRONG_TYPE, "/properties", _with(properties=[1])),
    (Code.WRONG_TYPE, "/context", _with(context="x")),
    (Code.WRONG_TYPE, "/page/url", _with(page={"url": 5})),
    (Code.WRONG_TYPE, "/value/amount", _with(value={"amount": "much", "currency": "EUR"})),
    (Code.MISSING, "/kind", {"identity": {"anonymous_id": "a-1"}}),
    (Code.MISSING, "/value/currency", _with(value={"amount": "1"})),
    (Code.MISSING, "/previous", {"kind": "aliased", "identity": {"user_id": "u2"}}),
    (Code.MISSING, "/previous", {"kind": "unlinked", "identity": {"user_id": "u2"}, "previous": {}}),
    (Code.MISSING, "/kind", {"knd": "page_viewed", "colour": "red"}),
    (Code.UNKNOWN_FIELD, "/ocurred_at", _with(colour="red", ocurred_at=to_text(NOW))),
    (Code.UNKNOWN_FIELD, "/propertis", _with(propertis={"plan": "team"})),
    (Code.UNKNOWN_FIELD, "/identity/userId", _with(identity={"anonymous_id": "a-1", "userId": "u-1"})),
    (Code.UNKNOWN_FIELD, "/previous/usre_id", _with(kind="aliased", previous={"usre_id": "u-1"})),
    (Code.WRONG_TYPE, "/traits", _with(colour="red", traits="x")),
    (Code.WRONG_TYPE, "/identity/email", _with(identity={"colour": "red", "email": 7})),
    (Code.NOT_FINITE, "", b'{"kind":"page_viewed","identity":{"anonymous_id":"a"},"properties":{"x":NaN}}'),
    (Code.NOT_FINITE, "", b'{"kind":"page_viewed","identity":{"anonymous_id":"a"},"traits":{"x":-Infinity}}'),
    (Code.NOT_FINITE, "/properties", b'{"kind":"x","identity":{"user_id":"u"},"properties":{"x":1e400}}'),
    (Code.NOT_FINITE, "/traits", b'{"kind":"page_viewed","identity":{"anonymous_id":"a"},"traits":{"x":-1e400}}'),
    (Code.NOT_FINITE, "/value/amount", _with(value={"amount": "NaN", "currency": "EUR"})),
    (Code.INVALID_TEXT, "/properties/x", _with(properties={"x": "a\0b"})),
    (Code.INVALID_TEXT, "/traits/a~1b/1", _with(traits={"a/b": ["", "\0"]})),
    (Code.INVALID_TEXT, "/id", _with(id="a\0b")),
    (Code.INVALID_TEXT, "/context", _with(context={"a\0b": 1})),
    (Code.INVALID_TEXT, "", b'{"kind":"page_viewed","properties":{"x":"\\ud800"}}'),
    (Code.INVALID_TEXT, "", b'{"kind":"page_viewed","properties":{"x":"\\udc00 "}}'),
    (Code.INVALID_TEXT, "", b'{"kind":"page_viewed","id":"\xff"}'),
    (Code.INVALID_TEXT, "/properties", b'{"kind":"page_viewed","properties":{"x":"\xed\xa0\x80"}}'),
    (Code.INVALID_TEXT, "", b'{"kind":"a","identity":{"user_id":"u"},"unknown":"\xff","properties":{"x":"\\u0000"}}'),
    (Code.INVALID_TEXT, "/identity", b'{"kind":"page_viewed","identity":{"user_id":"u","unknown":"\xff"}}'),
    (Code.TOO_DEEP, "/identity/x" + "/0" * (MAX_DEPTH - 1), _with(identity={"user_id": "u", "x": _listed(MAX_DEPTH)})),
    (Code.INVALID_INSTANT, "/occurred_at", _with(occurred_at="+300000-01-01T00:00:00Z")),
    (Code.INVALID_INSTANT, "/occurred_at", _with(occurred_at="300000-01-01T00:00:00Z")),
    (Code.INVALID_INSTANT, "/sent_at", _with(sent_at="soon")),
    (Code.OUT_OF_RANGE, "/occurred_at", _with(occurred_at="1900-01-01T00:00:00Z")),
    (Code.OUT_OF_RANGE, "/properties/a/0", _with(properties={"a": [2**63]})),
    (Code.OUT_OF_RANGE, "/value/amount", _with(value={"amount": "1e400", "currency": "EUR"})),
    (Code.TOO_LONG, "/id", _with(id="x" * 201)),
    (Code.TOO_LONG, "/id", b'{"kind":"page_viewed","identity":{"anonymous_id":"a"},"id":' + b"7" * 4_000 + b"}"),
    (Code.TOO_LONG, "/kind", _with(kind="x" * 101)),
    (Code.TOO_LONG, "/identity/user_id", _with(identity={"user_id": "\N{GRINNING FACE}" * 257})),
    (Code.TOO_LONG, "/identity/user_id", _with(identity={"user_id": "x" * 513})),
    (Code.TOO_LARGE, "", _with(properties={"x": "y" * MAX_ITEM_BYTES})),
    (Code.NO_IDENTITY, "", {"kind": "page_viewed"}),
    (Code.NO_IDENTITY, "", _with(identity={"anonymous_id": "null", "user_id": "", "email": "nobody"})),
    (Code.NO_IDENTITY, "", _with(identity={"account_id": "acme"})),
    (Code.INVALID_KIND, "/kind", _with(kind="Page Viewed")),
    (Code.UNKNOWN_VALUE, "/channel", _with(channel="smoke signals")),
    (Code.UNKNOWN_VALUE, "/consent/marketing", _with(consent={"marketing": "perhaps"})),
    (Code.UNKNOWN_VALUE, "/consent/analytics", _with(consent={"analytics": 0})),
    (Code.UNKNOWN_VALUE, "/consent/a~1b~0", _with(consent={"a/b~": "no"})),
    (Code.WRONG_TYPE, "/consent", _with(consent="denied")),
    (Code.UNKNOWN_VALUE, "/value/currency", _with(value={"amount": "1", "currency": "euro"})),
    (Code.UNKNOWN_VALUE, "/identity/external/A B", _with(identity={"external": {"A B": "1"}})),
    (Code.UNKNOWN_VALUE, "/previous", _with(kind="aliased", previous={"user_id": "u"})),
    (Code.UNKNOWN_VALUE, "/identity", _with(kind="unlinked", identity=_TWO, previous={"user_id": 3})),
    (Code.CONSENT_DENIED, "/consent/analytics", _with(consent={"analytics": "denied"})),
]  # fmt: skip


def test_no_amount_is_told_what_one_looks_like() -> None:
    rejected = turned_down(read_native(_with(value={"amount": "much", "currency": "EUR"})))

    assert rejected.refusal.detail == "an amount is a decimal number, such as 129.00"


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (b'{"kind":"page_viewed",}', "this is not JSON: trailing comma in object, at byte 22"),
        (b'{"kind":"page_viewed"', "this is not JSON: it ends too early"),
        (_with(occurred_at=1_714_564_800), "an instant is a text such as 2026-11-25T18:00:00Z"),
        (_with(value=129), 'money is an object such as {"amount": "129.00", "currency": "EUR"}'),
        (
            {"kind": "page_viewed", "user_id": "u-1"},
            "give a user id, an anonymous id, an e-mail, a phone or an external id in `identity`",
        ),
        (_with(identity="u-1"), 'identity is an object such as {"user_id": "u-1", "email": "ann@example.com"}'),
        (_with(page="https://x"), 'a page is an object such as {"url": "https://shop.example/prices"}'),
        (_with(consent=True), 'consent is an object such as {"analytics": "granted"}'),
        (
            {"events": [_SOMEONE]},
            'kind is missing: say what happened, such as page_viewed; several items go as {"touchpoints": [...]}',
        ),
        (_with(value={"amount": "1"}), "currency is missing"),
        (_with(traits="x"), "Expected object | null, got str"),
    ],
)
def test_common_mistakes_are_told_what_to_write(item: Any, told: str) -> None:
    assert turned_down(read_native(item)).refusal.detail == told


def test_field_that_is_nearly_ours_is_told_which() -> None:
    rejected = turned_down(read_native({"kind": "page_viewed", "identiy": {"anonymous_id": "a-1"}}))

    assert rejected.refusal.detail == "there is no identiy here; is it identity?"


@pytest.mark.parametrize(
    ("code", "pointer", "item"), _REASONS, ids=[f"{code} {n}" for n, (code, _, _) in enumerate(_REASONS)]
)
def test_reason_and_place_of_a_refusal(code: Code, pointer: str, item: Any) -> None:
    rejected = turned_down(read_native(item))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)
    assert rejected.refusal.detail
    assert rejected.id


def test_key_that_every_visitor_can_read_splits_nobody() -> None:
    cut = {"kind": "unlinked", "identity": {"anonymous_id": "a1"}, "previous": {"user_id": "u1"}}
    by_write_key = msgspec.structs.replace(ARRIVAL, may_split=False)

    rejected = turned_down(native.parse(as_bytes(cut), by_write_key))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (Code.INVALID_KIND, "/kind")


def test_every_reason_of_an_item_is_tried() -> None:
    of_requests_and_workers = {Code.TOO_MANY_ITEMS, Code.EMPTY_BATCH, Code.UNREADABLE_RECORD, Code.ID_CONFLICT}
    of_policies = {Code.FILTERED, Code.KIND_NOT_ALLOWED, Code.SCHEMA_VIOLATION}  # test_policies
    of_public_keys = {Code.ID_RESERVED}  # test_reserved_ids

    assert {code for code, _, _ in _REASONS} == set(Code) - of_requests_and_workers - of_policies - of_public_keys


def test_refused_item_keeps_its_bytes_and_its_id() -> None:
    raw = b'{ "id": "t-9", "kind": 7 }'

    rejected = turned_down(read_native(raw))

    assert (rejected.id, rejected.payload) == ("t-9", raw)


def test_nothing_is_kept_of_somebody_who_denied() -> None:
    assert turned_down(read_native(_with(consent={"analytics": "denied"}))).payload == b""


def test_detail_of_a_refusal_never_repeats_the_value() -> None:
    rejected = turned_down(read_native(_with(channel="jane@example.com", occurred_at="jane@example.com")))

    assert "jane" not in rejected.refusal.detail


def test_retry_of_a_refused_item_has_the_same_id() -> None:
    with_time = _with(kind=7, occurred_at="2026-01-01T00:00:00Z")

    ids = [turned_down(read_native({**with_time, "sent_at": str(n)})).id for n in range(2)]
    unreadable = [turned_down(read_native(b"{{{")).id for _ in range(2)]

    assert ids[0] == ids[1]
    assert unreadable[0] == unreadable[1]
    assert turned_down(read_native(_with(kind=7))).id == "made"
