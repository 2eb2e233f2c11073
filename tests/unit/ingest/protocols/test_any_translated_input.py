"""Whatever comes by Snowplow, the Measurement Protocol or as a CloudEvent: a touchpoint that the log takes, or a
rejection that can be read again alone."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.protocols import cloudevents, ga4, snowplow
from services.ingest.protocols.cloudevents_envelope import UnknownFormat, open_event, open_records
from services.ingest.protocols.ga4 import KINDS, open_collected
from services.ingest.protocols.ga4_limits import messages_of
from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.readers import reader_of
from services.ingest.protocols.snowplow import Around
from services.ingest.protocols.snowplow_envelope import open_address, open_posted, open_redirect, parameters
from services.ingest.protocols.snowplow_events import COMMERCE, SCHEMAS
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import rank
from shared.vocabulary import Channel, Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW

_NAMES = st.sampled_from(
    [
        "e p eid dtm stm ttm uid duid nuid tnuid ip ua lang url page refr se_ca se_ac se_va tr_tt tr_cu ti_pr ue_pr co",
        "ue_px cx aid tv schema data type userId email elements name value revenue currency step transaction",
        "client_id user_id timestamp_micros user_properties consent events params user_data device user_location",
        "transaction_id event_id page_location ad_user_data sha256_email_address sha256_phone_number category language",
        "specversion id source time subject datacontenttype data_base64 identity traits campaign context channel kind",
    ]
).flatmap(lambda names: st.sampled_from(names.split()))
_WORDS = st.one_of(
    st.sampled_from(["pv", "se", "ue", "tr", "ti", "pp", "u-1", "null", "jane@example.com", "EUR", "129.00", "1.0"]),
    st.sampled_from(["1795000000000", "2026-11-25T09:30:00Z", "https://x/?utm_source=a&gclid=1", "203.0.113.7", "\0"]),
    st.sampled_from(["iglu:com.acme/form_submit/jsonschema/1-0-0", "tragt.touchpoint", "com.acme.x", "tw_a_1", "web"]),
    st.sampled_from(
        ["GRANTED", "DENIED", "application/json", "e30=", "00000000-0000-0000-0000-000000000000", "9" * 20]
    ),
    st.sampled_from([*KINDS, *SCHEMAS, *COMMERCE]),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    _WORDS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=6)),
    max_leaves=20,
)
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=8)
_TEXTS = st.dictionaries(_NAMES, st.one_of(_WORDS, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)))
_BYTES = st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ntubaE1e9-.NaI', max_size=60).map(str.encode)
_TYPES = st.sampled_from(
    ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "", "text/plain", "a/b"]
)


def _written(value: Any) -> bytes:
    """JSON, also of whole numbers beyond 64 bits and of numbers that are none."""
    return json.dumps(value).encode()


def _check(parcel: Parcel) -> None:
    reader = reader_of(parcel.reader.protocol)
    assert reader is not None
    for item in parcel.split.items:
        outcome = parcel.reader.read(item, ARRIVAL, may_hold_nul=parcel.split.may_hold_nul)
        assert outcome.id
        if isinstance(outcome, Touchpoint):
            again = decode_touchpoint(encode(outcome))
            assert [rank(key) for key in again.keys] == sorted((rank(key) for key in again.keys), reverse=True)
            assert again.channel in set(Channel)
            assert 0 <= again.occurred_at <= again.received_at == NOW
            assert b"\\u0000" not in encode(outcome)
        elif outcome.refusal.code is not Code.CONSENT_DENIED and parcel.split.refusal is None:
            assert outcome.refusal.detail
            alone = reader.read(outcome.payload, ARRIVAL, may_hold_nul=b"\\u0000" in outcome.payload)
            if outcome.payload and b"onsent" not in outcome.payload:  # else it may be less than what came
                assert isinstance(alone, Rejected)
                assert alone.refusal == outcome.refusal


def _snowplow_event(said: dict[str, str], event: Any, entities: Sequence[Any], coded: bool) -> dict[str, str]:
    texts = {"ue_pr": _described("iglu:a/unstruct_event/jsonschema/1-0-0", event)}
    texts["co"] = _described("iglu:a/contexts/jsonschema/1-0-0", entities)
    if coded:
        names = {"ue_pr": "ue_px", "co": "cx"}
        texts = {names[name]: base64.urlsafe_b64encode(text.encode()).decode() for name, text in texts.items()}
    return {"e": "ue", "uid": "u", **said, **texts}


def _described(schema: str, data: Any) -> str:
    return json.dumps({"schema": schema, "data": data})


@given(st.one_of(_TEXTS, _OBJECTS, _VALUES), _TEXTS)
@settings(max_examples=150, deadline=None)
def test_snowplow_takes_or_refuses_anything(item: Any, query: dict[str, str]) -> None:
    body = _written({"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [item]})
    address = parameters(urlencode(query, errors="replace").encode())

    _check(open_posted(body, Around(address), 10))
    _check(open_address(Around(address)))
    _check(open_redirect("https://x.example/", Around(address)))


@given(
    _TEXTS,
    st.builds(
        lambda name, data: {"schema": f"iglu:com.snowplowanalytics.x/{name}/j/1", "data": data},
        st.sampled_from([*SCHEMAS, "snowplow_ecommerce_action"]),
        _VALUES,
    ),
    st.lists(_OBJECTS, max_size=3),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)  # fmt: skip
def test_snowplow_takes_or_refuses_anything_that_describes_itself(
    said: dict[str, str], event: Any, entities: list[Any], coded: bool
) -> None:
    good = [{"schema": "iglu:com.acme/transaction/j/1", "data": one} for one in entities]

    _check(open_address(Around(_snowplow_event(said, event, good, coded))))
    _check(open_address(Around(_snowplow_event(said, event, entities, coded))))


@given(_OBJECTS, st.one_of(_OBJECTS, _VALUES), _OBJECTS)
@settings(max_examples=150, deadline=None)
def test_measurement_protocol_takes_or_refuses_anything(said: Any, event: Any, params: Any) -> None:
    good = {"name": "purchase", "params": params}

    for body in (_written({"client_id": "c", **said, "events": [event, good]}), _written(said), _written(event)):
        _check(open_collected(body, {"measurement_id": "G-1"}))
        assert all(message["validationCode"] for message in messages_of(body, {}))


@given(_OBJECTS, st.one_of(_OBJECTS, _VALUES))
@settings(max_examples=150, deadline=None)
def test_cloudevents_are_taken_or_refused_whatever_they_are(said: Any, data: Any) -> None:
    good = {"specversion": "1.0", "id": "1", "source": "/s", "type": "com.acme.seen", "data": data}
    ours = {**good, "type": cloudevents.NATIVE_TYPE}

    for event in (said, {**good, **said}, {**good, "data": {"user_id": "u", **said}}, ours, data):
        _check(open_event("application/cloudevents+json", {}, _written(event), 10))


@given(_BYTES, _TYPES, st.dictionaries(st.sampled_from([b"ce-id", b"ce-type", b"ce-X", b"accept"]), st.binary()))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_taken_apart_and_answered(body: bytes, content_type: str, headers: dict[bytes, bytes]) -> None:
    _check(open_posted(body, Around(), 10))
    _check(open_collected(body, {}))
    messages_of(body, {})
    _check(open_event(content_type, headers, body, 10))
    _check(open_records([([(name.decode(), value) for name, value in headers.items()], body)]))


def test_each_protocol_is_found_by_its_name() -> None:
    for module in (snowplow, ga4, cloudevents):
        assert reader_of(module.PROTOCOL) is module.READER
    assert UnknownFormat.__mro__[1] is ValueError
