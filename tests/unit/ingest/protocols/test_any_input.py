"""Whatever comes: a parser answers with a touchpoint that the log and a database take, or with a rejection."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.posthog import Events
from services.ingest.protocols.posthog_envelope import open_events
from services.ingest.protocols.rudderstack import DIALECT, as_rudderstack
from services.ingest.protocols.scanning import split_array
from services.ingest.protocols.segment import CALLS, Envelope
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.protocols.splitting import split_native
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import rank
from shared.vocabulary import Channel
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, read_native, read_posthog, read_rudderstack, read_segment

_NAMES = st.sampled_from(
    [
        "kind id occurred_at sent_at channel identity previous traits campaign page value consent properties context",
        "anonymous_id user_id email email_sha256 phone account_id external amount currency url referrer source medium",
        "ip country locale user_agent type userId anonymousId previousId groupId messageId event name timestamp sentAt",
        "writeKey batch userAgent device location search revenue total categoryPreferences Analytics hubspot",
        "mergeProperties value originalTimestamp",
        "uuid distinct_id $distinct_id $anon_distinct_id alias $set $set_once offset token",
        "$groups $group_key $device_id $distinct_id",
    ]
).flatmap(lambda names: st.sampled_from(names.split()))
_WORDS = st.sampled_from(
    [
        "page_viewed identified aliased unlinked Demo-Requested u-1 a-1 null jane@example.com +4520123456 EUR 129.00",
        "2026-11-25T09:30:00Z 300000-01-01T00:00:00Z web ads denied granted track identify page alias group merge",
        "DK da-DK https://x/?utm_source=a&gclid=1 https://www.google.com/ 203.0.113.7 ios \0 NaN",
    ]
).flatmap(lambda words: st.sampled_from(words.split(" ")))
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _WORDS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=6)),
    max_leaves=20,
)
_ITEMS = st.dictionaries(_NAMES, _VALUES, max_size=10)
_GOOD = st.fixed_dictionaries(
    {"kind": st.just("page_viewed"), "type": st.sampled_from(CALLS), "event": st.just("Seen"), "userId": st.just("u")},
    optional={"identity": st.just({"user_id": "u"}), "properties": _ITEMS, "context": _ITEMS, "traits": _ITEMS},
)


def _written(value: Any) -> bytes:
    """JSON, also of whole numbers beyond 64 bits."""
    return json.dumps(value).encode()


def _check(outcome: Touchpoint | Rejected) -> None:
    assert outcome.id
    if isinstance(outcome, Rejected):
        assert outcome.refusal.detail
        return
    again = decode_touchpoint(encode(outcome))
    assert [rank(key) for key in again.keys] == sorted((rank(key) for key in again.keys), reverse=True)
    assert again.channel in set(Channel)
    assert 0 <= again.occurred_at <= again.received_at == NOW
    assert b"\\u0000" not in encode(outcome)


@given(st.one_of(_ITEMS, _GOOD, _VALUES))
@settings(max_examples=400, deadline=None)
def test_native_parser_takes_or_refuses_anything(item: Any) -> None:
    _check(read_native(_written(item)))


@given(st.one_of(_ITEMS, _GOOD, _VALUES), st.sampled_from([None, *CALLS]), _VALUES)
@settings(max_examples=400, deadline=None)
def test_segment_parser_takes_or_refuses_anything(item: Any, call: str | None, sent_at: Any) -> None:
    _check(read_segment(_written(item), Envelope(sent_at=sent_at, call=call)))


@given(st.one_of(_ITEMS, _GOOD, _VALUES), st.sampled_from([None, "merge", *CALLS]), _VALUES)
@settings(max_examples=400, deadline=None)
def test_rudderstack_parser_takes_or_refuses_anything(item: Any, call: str | None, sent_at: Any) -> None:
    _check(read_rudderstack(_written(item), Envelope(sent_at=sent_at, call=call, dialect=DIALECT)))


@given(st.one_of(_ITEMS, _GOOD, _VALUES), st.booleans(), _VALUES)
@settings(max_examples=400, deadline=None)
def test_posthog_parser_takes_or_refuses_anything(item: Any, engages: bool, sent_at: Any) -> None:
    if isinstance(item, dict):
        item = {"distinct_id": "u-1", **item}
    _check(read_posthog(_written(item), Events(sent_at=sent_at, engages=engages)))


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ntubaE1e9-.NaI', max_size=60).map(str.encode))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_split_and_answered(body: bytes) -> None:
    for item in split_native(body, 10).items:
        _check(read_native(bytes(item)))
    opened = (open_batch(body, 10), open_single(body, "track"), open_events(body, {}, 10))
    for parcel in (*opened, *map(as_rudderstack, opened)):
        for item in parcel.split.items:
            _check(parcel.reader.read(bytes(item), ARRIVAL, may_hold_nul=b"\\u0000" in bytes(item)))


@given(st.lists(_ITEMS, min_size=1, max_size=5), st.sampled_from([b"", b" ", b"\n\t"]))
@settings(max_examples=200, deadline=None)
def test_scanner_finds_the_items_that_a_decoder_finds(items: list[Any], space: bytes) -> None:
    written = [_written(item) for item in items]
    body = space + b'{"x":"batch","batch"' + space + b":[" + (b"," + space).join(written) + space + b'],"y":[[]]}'

    array = split_array(body, b"batch")

    assert array is not None
    assert array.items == written
    assert msgspec.json.decode(array.envelope()) == {"x": "batch", "batch": [], "y": [[]]}
