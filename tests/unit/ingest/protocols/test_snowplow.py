"""Snowplow's events to touchpoints."""

import base64
from typing import Any

import msgspec
import pytest

from services.ingest.protocols.outcome import Outcome, Sender
from services.ingest.protocols.snowplow import NOBODY_ID, READER, Around
from services.ingest.protocols.snowplow_envelope import open_address, open_posted, open_redirect, parameters
from services.ingest.protocols.snowplow_events import COMMERCE, SCHEMAS
from shared.clock import HOUR, MINUTE, SECOND
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, outcomes_of, taken, turned_down

PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
_MS = 1_000
_EID = "251d616d-f763-4c32-a686-831630ed20f6"
_VIEW = {"e": "pv", "duid": "d1", "eid": _EID, "p": "web", "tv": "js-4.10.1", "tna": "sp"}


def _read(item: Any) -> Outcome:
    return READER.read(as_bytes(item), ARRIVAL, may_hold_nul=True)


def _event(schema: str, data: Any, **fields: str) -> dict[str, str]:
    inner = {"schema": schema, "data": data}
    text = msgspec.json.encode({"schema": UNSTRUCT, "data": inner}).decode()
    return {"e": "ue", "uid": "u1", "eid": "e1", "ue_pr": text, **fields}


def _contexts(*entities: tuple[str, Any]) -> str:
    data = [{"schema": schema, "data": data} for schema, data in entities]
    return msgspec.json.encode({"schema": CONTEXTS, "data": data}).decode()


def _address_base64(text: str, *, padded: bool) -> str:
    coded = base64.urlsafe_b64encode(text.encode()).decode()
    return coded if padded else coded.rstrip("=")


def test_page_view_of_the_browser_finds_its_place() -> None:
    touchpoint = taken(
        _read(
            {
                **_VIEW,
                "url": "https://shop.example/pricing?utm_source=google&utm_medium=cpc&gclid=G1",
                "page": "Pricing",
                "refr": "https://www.google.com/",
                "uid": "u1",
                "sid": "s1",
                "vid": "3",
                "lang": "da-DK",
                "tz": "Europe/Copenhagen",
                "res": "1920x1080",
                "ip": "203.0.113.9, 10.0.0.1",
                "ua": "Mozilla/5.0 (Windows NT 10.0) Chrome/120",
                "dtm": str(NOW // _MS - 60_000),
                "stm": str(NOW // _MS),
            }
        )
    )

    assert (touchpoint.id, touchpoint.kind, touchpoint.protocol) == (_EID, "page_viewed", "snowplow")
    assert touchpoint.keys == ("5user_id:u1", "1anonymous_id:d1")
    assert touchpoint.page == Page(
        url="https://shop.example/pricing?utm_source=google&utm_medium=cpc&gclid=G1",
        path="/pricing",
        title="Pricing",
        referrer="https://www.google.com/",
    )
    assert touchpoint.campaign == Campaign(source="google", medium="cpc", click_id="gclid:G1")
    assert (touchpoint.channel, touchpoint.country, touchpoint.device) == ("ads", "DK", "desktop")
    assert touchpoint.occurred_at == NOW - MINUTE
    assert msgspec.json.decode(touchpoint.context) == {
        "platform": "web",
        "tracker_version": "js-4.10.1",
        "tracker_namespace": "sp",
        "session_id": "s1",
        "session_index": "3",
        "screen": "1920x1080",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/120",
        "locale": "da-DK",
        "time_zone": "Europe/Copenhagen",
        "ip": "203.0.113.0",
    }


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"e": "pv"}, "page_viewed"),
        ({"e": "pp", "pp_mix": "0", "pp_may": "99"}, "page_pinged"),
        ({"e": "se", "se_ca": "form", "se_ac": "submit"}, "form_submit"),
        ({"e": "se", "se_ca": "Demo", "se_ac": "Requested"}, "demo_requested"),
        ({"e": "se", "se_ca": "order", "se_ac": "Order Completed"}, "order_completed"),
        ({"e": "se", "se_ac": "Clicked CTA"}, "clicked_cta"),
        ({"e": "ev", "ev_ca": "video", "ev_ac": "play"}, "video_play"),
        ({"e": "tr", "tr_id": "9"}, "order_completed"),
        ({"e": "ti", "ti_id": "9", "ti_sk": "s"}, "order_item_added"),
        ({"e": "ad"}, "ad_viewed"),
    ],
)
def test_each_type_of_event_has_its_kind(fields: dict[str, str], kind: str) -> None:
    assert taken(_read({"uid": "u", **fields})).kind == kind


def test_struct_event_keeps_its_five_parts_and_its_value_is_no_money() -> None:
    touchpoint = taken(
        _read({"e": "se", "uid": "u", "se_ca": "form", "se_ac": "x", "se_la": "l", "se_pr": "p", "se_va": "3"})
    )

    assert msgspec.json.decode(touchpoint.properties) == {
        "category": "form",
        "action": "x",
        "label": "l",
        "property": "p",
        "value": 3,
    }
    assert touchpoint.value is None


def test_transaction_is_an_order_and_its_items_are_no_second_revenue() -> None:
    order = taken(_read({"e": "tr", "uid": "u", "tr_id": "9", "tr_tt": "129.50", "tr_cu": "EUR", "tr_ci": "Aarhus"}))
    item = taken(_read({"e": "ti", "uid": "u", "ti_id": "9", "ti_nm": "Shoe", "ti_pr": "129.5", "ti_qu": "1"}))

    assert order.value == Money("129.50", "EUR")
    assert msgspec.json.decode(order.properties) == {
        "order_id": "9",
        "city": "Aarhus",
        "currency": "EUR",
        "total": 129.5,
    }
    assert item.value is None
    assert msgspec.json.decode(item.properties) == {"order_id": "9", "name": "Shoe", "price": 129.5, "quantity": 1}


@pytest.mark.parametrize(("name", "kind"), SCHEMAS.items())
def test_schema_of_snowplow_has_our_kind(name: str, kind: str) -> None:
    schema = f"iglu:com.snowplowanalytics.snowplow/{name}/jsonschema/1-0-1"

    assert taken(_read(_event(schema, {}))).kind == kind


@pytest.mark.parametrize(("action", "kind"), COMMERCE.items())
def test_commerce_action_has_our_kind(action: str, kind: str) -> None:
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2"

    assert taken(_read(_event(schema, {"type": action}))).kind == kind


def test_commerce_takes_its_money_from_the_entity_of_the_transaction() -> None:
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2"
    entity = "iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0"
    contexts = _contexts((entity, {"transaction_id": "t1", "revenue": 230, "currency": "EUR"}))

    touchpoint = taken(_read(_event(schema, {"type": "transaction"}, co=contexts)))

    assert touchpoint.value == Money("230", "EUR")


def test_later_step_of_a_checkout_does_not_start_it_again() -> None:
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2"
    entity = "iglu:com.snowplowanalytics.snowplow.ecommerce/checkout_step/jsonschema/1-0-0"

    first, third = (
        taken(_read(_event(schema, {"type": "checkout_step"}, co=_contexts((entity, {"step": step}))))).kind
        for step in (1, 3)
    )

    assert (first, third) == ("checkout_started", "checkout_step_viewed")


def test_own_schema_is_its_name_and_its_data_the_properties() -> None:
    touchpoint = taken(_read(_event("iglu:com.acme/form_submit/jsonschema/1-0-0", {"form": "demo"})))

    assert touchpoint.kind == "form_submit"
    assert msgspec.json.decode(touchpoint.properties) == {"form": "demo"}


def test_form_tells_who_filled_it_in() -> None:
    own = taken(_read(_event("iglu:com.acme/form_submit/jsonschema/1-0-0", {"email": "jane@example.com"})))
    schema = "iglu:com.snowplowanalytics.snowplow/submit_form/jsonschema/1-0-0"
    elements = [{"name": "Email", "value": "jane@example.com", "nodeName": "INPUT"}, {"name": "x"}, "junk"]
    tracked = taken(_read(_event(schema, {"formId": "demo", "elements": elements})))

    assert own.keys == tracked.keys == ("5user_id:u1", email_key(SECRET, "jane@example.com"))


@pytest.mark.parametrize("padded", [True, False])
def test_base64_is_taken_with_and_without_padding(padded: bool) -> None:
    plain = _event("iglu:com.acme/seen/jsonschema/1-0-0", {"text": "ø?>~~~"})
    contexts = _contexts(("iglu:com.acme/place/jsonschema/1-0-0", {"name": "Århus?"}))
    coded = {name: value for name, value in plain.items() if name != "ue_pr"} | {
        "ue_px": _address_base64(plain["ue_pr"], padded=padded),
        "cx": _address_base64(contexts, padded=padded),
    }

    touchpoint = taken(_read(coded))

    assert msgspec.json.decode(touchpoint.properties) == {"text": "ø?>~~~"}
    assert msgspec.json.decode(touchpoint.context) == {"entities": {"place": {"name": "Århus?"}}}


def test_entities_of_one_schema_are_a_list() -> None:
    schema = "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0"
    contexts = _contexts(
        (schema, {"id": "a"}), (schema, {"id": "b"}), ("iglu:v/web_page/jsonschema/1-0-0", {"id": "w"})
    )

    touchpoint = taken(_read({**_VIEW, "co": contexts}))

    assert msgspec.json.decode(touchpoint.context)["entities"] == {
        "product": [{"id": "a"}, {"id": "b"}],
        "web_page": {"id": "w"},
    }


def test_mobile_session_knows_the_device_and_the_platform_its_class() -> None:
    schema = "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2"

    touchpoint = taken(_read({"e": "pv", "p": "mob", "co": _contexts((schema, {"userId": "device-1"}))}))

    assert (touchpoint.keys, touchpoint.device) == (("1anonymous_id:device-1",), "mobile")


def test_network_id_stands_in_for_a_missing_first_party_one() -> None:
    both = taken(_read({"e": "pv", "duid": "d1", "nuid": "n1"}))
    network = taken(_read({"e": "pv", "nuid": "n1"}))
    tracker = taken(_read({"e": "pv", "nuid": "n1", "tnuid": "n2"}))

    assert [one.keys for one in (both, network, tracker)] == [
        ("1anonymous_id:d1",),
        ("1anonymous_id:n1",),
        ("1anonymous_id:n2",),
    ]


def test_anonymous_visitor_is_not_looked_at() -> None:
    said = {"e": "pv", "uid": "u", "nuid": NOBODY_ID, "tnuid": "n2", "ip": "203.0.113.9"}
    arrival = msgspec.structs.replace(ARRIVAL, sender=Sender(user_agent="iPhone", address="203.0.113.9"))

    touchpoint = taken(READER.read(as_bytes(said), arrival, may_hold_nul=False))

    assert touchpoint.keys == ("5user_id:u",)
    assert touchpoint.device is None
    assert b"203" not in bytes(touchpoint.context)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"ttm": NOW - HOUR, "dtm": NOW, "stm": NOW}, NOW - HOUR),
        ({"dtm": NOW + 59 * MINUTE, "stm": NOW + HOUR}, NOW - MINUTE),
        ({"dtm": NOW - HOUR, "stm": NOW - HOUR - SECOND}, NOW),
        ({"dtm": NOW - HOUR}, NOW),
        ({"stm": NOW - HOUR}, NOW),
        ({}, NOW),
    ],
    ids=["true time", "clock corrected", "sent before it happened", "device alone", "sent alone", "none"],
)
def test_time_is_the_true_one_else_the_corrected_one_else_that_of_arrival(times: dict[str, int], expected: int) -> None:
    said = {**_VIEW, **{name: str(instant // _MS) for name, instant in times.items()}}

    assert taken(_read(said)).occurred_at == expected


def test_retry_with_another_time_of_sending_has_the_same_id() -> None:
    first, second = ({"e": "pv", "uid": "u", "dtm": "1795000000000", "stm": str(stm)} for stm in (1, 2))

    assert taken(_read(first)).id == taken(_read(second)).id != "made"
    assert taken(_read({"e": "pv", "uid": "u"})).id == "made"
    assert taken(_read({**first, "eid": _EID})).id == _EID


@pytest.mark.parametrize(
    ("said", "code", "pointer"),
    [
        ({"e": "pv"}, Code.NO_IDENTITY, ""),
        ({"uid": "u"}, Code.MISSING, "/e"),
        ({"e": "zz", "uid": "u"}, Code.UNKNOWN_VALUE, "/e"),
        ({"e": "pv", "uid": 5}, Code.WRONG_TYPE, "/uid"),
        ({"e": "pv", "uid": "u", "page": None}, Code.WRONG_TYPE, "/page"),
        ({"e": "pv", "uid": "u", "dtm": "soon"}, Code.INVALID_INSTANT, "/dtm"),
        ({"e": "pv", "uid": "u", "ttm": "9" * 15}, Code.INVALID_INSTANT, "/ttm"),
        ({"e": "pv", "uid": "u" * 600}, Code.TOO_LONG, "/uid"),
        ({"e": "pv", "uid": "u", "aid": "tw_other_key"}, Code.UNKNOWN_VALUE, "/aid"),
        ({"e": "pv", "uid": "u", "page": "a\0b"}, Code.INVALID_TEXT, "/page"),
        ({"e": "se", "uid": "u", "se_ca": "form"}, Code.INVALID_KIND, "/se_ac"),
        ({"e": "se", "uid": "u", "se_ac": "identified"}, Code.INVALID_KIND, "/se_ac"),
        ({"e": "ue", "uid": "u"}, Code.MISSING, "/ue_pr"),
        ({"e": "ue", "uid": "u", "ue_pr": "{"}, Code.NOT_JSON, "/ue_pr"),
        ({"e": "ue", "uid": "u", "ue_px": "%%%"}, Code.NOT_JSON, "/ue_px"),
        ({"e": "ue", "uid": "u", "ue_pr": '{"schema":"iglu:a/b/c/1-0-0"}'}, Code.MISSING, "/ue_pr"),
        ({"e": "pv", "uid": "u", "co": '{"schema":"iglu:a/b/c/1","data":{}}'}, Code.WRONG_TYPE, "/co"),
        ({"e": "pv", "uid": "u", "co": '{"schema":"http://x","data":[]}'}, Code.UNKNOWN_VALUE, "/co"),
        (b"[1]", Code.NOT_AN_OBJECT, ""),
        (b'{"e":', Code.NOT_JSON, ""),
        (b'{"e":"pv","x":"' + b"x" * 40_000 + b'"}', Code.TOO_LARGE, ""),
    ],
)  # fmt: skip
def test_refusal_says_where_and_why_and_keeps_the_item(said: Any, code: Code, pointer: str) -> None:
    rejected = turned_down(_read(said))

    assert (rejected.refusal.code, rejected.refusal.pointer) == (code, pointer)
    assert rejected.payload == as_bytes(said)


def _posted(*events: Any, schema: str = PAYLOAD, around: Around | None = None) -> Any:
    return open_posted(msgspec.json.encode({"schema": schema, "data": events}), around or Around(), 10)


def _said(parcel: Any) -> list[Any]:
    """What each item says by itself."""
    return [msgspec.json.decode(parcel.reader.alone(bytes(item))) for item in parcel.split.items]


@pytest.mark.parametrize("version", ["1-0-0", "1-0-3", "1-0-4", "1-0-9"])
def test_body_of_any_minor_version_is_taken_apart(version: str) -> None:
    parcel = _posted({"e": "pv", "uid": "1"}, {"e": "pv", "uid": "2"}, schema=PAYLOAD[:-5] + version)

    assert parcel.split.refusal is None
    assert _said(parcel) == [{"e": "pv", "uid": "1"}, {"e": "pv", "uid": "2"}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"schema": "iglu:com.acme/x/jsonschema/1-0-0", "data": []}, Code.UNKNOWN_VALUE),
        ({"data": []}, Code.UNKNOWN_VALUE),
        ({"schema": PAYLOAD, "data": {}}, Code.WRONG_TYPE),
        ({"schema": PAYLOAD, "data": []}, Code.EMPTY_BATCH),
        ({"schema": PAYLOAD, "data": [{}] * 11}, Code.TOO_MANY_ITEMS),
        (b"", Code.EMPTY_BATCH),
        (b"nonsense", Code.NOT_JSON),
    ],
)
def test_body_that_is_no_payload_is_refused_whole(body: Any, code: Code) -> None:
    refusal = open_posted(as_bytes(body), Around(), 10).split.refusal

    assert refusal is not None
    assert refusal.code == code


def test_damaged_event_takes_no_other_with_it() -> None:
    body = f'{{"schema":"{PAYLOAD}","data":[{{"e":"pv","uid":"1"}},{{"e":NaN}}]}}'.encode()

    outcomes = outcomes_of(open_posted(body, Around(), 10))

    assert taken(outcomes[0]).keys == ("5user_id:1",)
    assert turned_down(outcomes[1]).refusal.code == Code.NOT_FINITE


def test_parameters_of_the_address_win_and_the_rest_fills_in() -> None:
    around = Around({"uid": "query"}, {"ua": "browser", "nuid": "cookie"})

    parcel = _posted({"e": "pv", "uid": "body", "ua": "said"}, around=around)

    assert _said(parcel) == [{"e": "pv", "uid": "query", "ua": "said", "nuid": "cookie"}]


def test_app_id_may_be_the_key_and_is_then_taken_out() -> None:
    parcel = _posted({"e": "pv", "aid": "tw_a_1"}, {"e": "pv", "aid": "tw_a_1"}, {"e": "pv", "aid": "tw_b_2"})

    assert parcel.write_key == "tw_a_1"
    assert _said(parcel) == [{"e": "pv"}, {"e": "pv"}, {"e": "pv", "aid": "tw_b_2"}]
    assert _posted({"e": "pv", "aid": "shop"}).write_key == ""


def test_address_is_an_event_and_the_key_no_field_of_it() -> None:
    parcel = open_address(Around(parameters(b"e=pv&uid=u%C3%B8+1&writeKey=tw_a_1&aid=shop&page=")))

    assert _said(parcel) == [{"e": "pv", "uid": "uø 1", "aid": "shop"}]


def test_link_that_leads_elsewhere_is_a_click_and_tells_the_campaign_of_its_target() -> None:
    uri = "https://shop.example/?utm_source=news&utm_medium=email"

    touchpoint = taken(*outcomes_of(open_redirect(uri, Around({"u": uri, "uid": "u1", "aid": "email"}))))

    assert (touchpoint.kind, touchpoint.channel) == ("link_clicked", "email")
    assert touchpoint.campaign == Campaign(source="news", medium="email")
    assert msgspec.json.decode(touchpoint.properties) == {"uri": uri}
    context = msgspec.json.decode(touchpoint.context)
    assert context == {"app_id": "email", "platform": "web", "tracker_version": "r-tp2"}


@pytest.mark.parametrize("name", ["co", "cx"])
def test_event_in_a_link_is_told_where_it_led_beside_its_own_contexts(name: str) -> None:
    contexts = _contexts(("iglu:com.acme/place/jsonschema/1-0-0", {"name": "x"}))
    said = contexts if name == "co" else _address_base64(contexts, padded=False)

    parcel = open_redirect("https://shop.example/", Around({"e": "pv", "uid": "u1", name: said}))
    touchpoint = taken(*outcomes_of(parcel))

    assert touchpoint.kind == "page_viewed"
    assert msgspec.json.decode(touchpoint.context)["entities"] == {
        "uri_redirect": {"uri": "https://shop.example/"},
        "place": {"name": "x"},
    }
