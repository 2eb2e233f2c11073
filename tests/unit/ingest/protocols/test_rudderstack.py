"""RudderStack's calls to touchpoints, where they differ from Segment's."""

from typing import Any

import msgspec
import pytest

from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.readers import reader_of
from services.ingest.protocols.rudderstack import DIALECT, as_rudderstack
from services.ingest.protocols.segment import CALLS, Envelope
from services.ingest.protocols.segment_envelope import open_batch, open_single
from shared.clock import HOUR, MINUTE, to_text
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW, SECRET, as_bytes, read_rudderstack, taken, turned_down

_TRACK: dict[str, Any] = {"type": "track", "event": "Button Clicked", "anonymousId": "a-1", "messageId": "m-1"}
_AN_HOUR_AHEAD = {"originalTimestamp": to_text(NOW + 59 * MINUTE), "sentAt": to_text(NOW + HOUR)}


def _track(**fields: Any) -> dict[str, Any]:
    return {**_TRACK, **fields}


def _batch(*items: Any, **said: Any) -> Parcel:
    return as_rudderstack(open_batch(as_bytes({"batch": items, **said}), 10))


def test_browser_call_finds_its_place() -> None:
    touchpoint = taken(
        read_rudderstack(
            {
                "type": "page",
                "userId": "",
                "anonymousId": "557bace8",
                "messageId": "d9114120",
                **_AN_HOUR_AHEAD,
                "channel": "web",
                "integrations": {"All": True},
                "context": {
                    "traits": {"email": "jane@example.com"},
                    "sessionId": 1_795_000_000_000,
                    "userAgent": "Mozilla/5.0 (iPhone) Mobile",
                    "locale": "da-DK",
                    "campaign": {"source": "google", "medium": "cpc", "name": "spring"},
                    "page": {
                        "path": "/p",
                        "referrer": "$direct",
                        "referring_domain": "",
                        "initial_referrer": "$direct",
                        "url": "https://site/p?utm_source=google&gclid=G1",
                    },
                    "timezone": "GMT+0000",
                },
            }
        )
    )

    assert touchpoint.keys == (email_key(SECRET, "jane@example.com"), "1anonymous_id:557bace8")
    assert (touchpoint.kind, touchpoint.channel, touchpoint.protocol) == ("page_viewed", "ads", "rudderstack")
    assert (touchpoint.occurred_at, touchpoint.country, touchpoint.device) == (NOW - MINUTE, "DK", "mobile")
    assert touchpoint.page is not None
    assert touchpoint.page.referrer is None
    assert touchpoint.campaign is not None
    assert (touchpoint.campaign.name, touchpoint.campaign.click_id) == ("spring", "gclid:G1")


@pytest.mark.parametrize(
    ("times", "occurred_at"),
    [
        (_AN_HOUR_AHEAD, NOW - MINUTE),
        ({"timestamp": to_text(NOW - HOUR), "sentAt": to_text(NOW + HOUR)}, NOW - HOUR),
        ({**_AN_HOUR_AHEAD, "timestamp": to_text(NOW - HOUR)}, NOW - HOUR),
        ({**_AN_HOUR_AHEAD, "timestamp": "soon"}, NOW - MINUTE),
        ({"originalTimestamp": to_text(NOW - HOUR)}, NOW - HOUR),
        ({"originalTimestamp": 7, "sentAt": to_text(NOW)}, NOW),
        ({"sentAt": to_text(NOW + HOUR)}, NOW),
        ({}, NOW),
    ],
    ids=["corrected", "believed", "timestamp first", "no timestamp", "never sent", "no time", "only sent", "nothing"],
)
def test_timestamp_is_believed_and_the_rest_corrected(times: dict[str, Any], occurred_at: int) -> None:
    assert taken(read_rudderstack(_track(**times))).occurred_at == occurred_at


def test_batch_says_when_it_was_sent_unless_the_event_does() -> None:
    said = Envelope(sent_at=to_text(NOW + HOUR), dialect=DIALECT)
    original = {"originalTimestamp": to_text(NOW + 59 * MINUTE)}

    assert taken(read_rudderstack(_track(**original), said)).occurred_at == NOW - MINUTE
    assert taken(read_rudderstack(_track(**original, sentAt=to_text(NOW + 59 * MINUTE)), said)).occurred_at == NOW


@pytest.mark.parametrize(
    ("joined", "keys", "previous"),
    [
        ([("userId", "u1"), ("anonymousId", "a1")], ("5user_id:u1", "1anonymous_id:a1"), None),
        ([("email", "e@x.example"), ("user_id", "u1")], ("5user_id:u1", email_key(SECRET, "e@x.example")), None),
        ([("userId", "u2"), ("userId", "u1")], ("5user_id:u2",), "5user_id:u1"),
    ],
)
def test_merge_joins_two_identifiers(
    joined: list[tuple[str, str]], keys: tuple[str, ...], previous: str | None
) -> None:
    merge = {"type": "merge", "mergeProperties": [{"type": name, "value": value} for name, value in joined]}

    touchpoint = taken(read_rudderstack(merge))

    assert (touchpoint.keys, touchpoint.previous) == (keys, previous)
    assert touchpoint.kind == ("aliased" if previous else "identified")


@pytest.mark.parametrize(
    ("joined", "code", "pointer"),
    [
        (None, Code.MISSING, "/mergeProperties"),
        ([{"type": "userId", "value": "u"}], Code.MISSING, "/mergeProperties"),
        ([{"type": "userId", "value": "u"}, 5], Code.UNKNOWN_VALUE, "/mergeProperties/1/type"),
        ([{"type": "email", "value": "a@b.c"}] * 2, Code.UNKNOWN_VALUE, "/mergeProperties/1/type"),
    ],
)
def test_merge_of_anything_else_is_refused_and_kept(joined: Any, code: Code, pointer: str) -> None:
    merge = {"type": "merge", "mergeProperties": joined, "messageId": "m-9"}

    rejected = turned_down(read_rudderstack(merge))

    assert (rejected.id, rejected.refusal.code, rejected.refusal.pointer) == ("m-9", code, pointer)
    assert msgspec.json.decode(rejected.payload) == merge


@pytest.mark.parametrize("call", [*CALLS, "merge"])
def test_path_says_the_type_and_a_refused_item_is_read_as_that_again(call: str) -> None:
    joined = [{"type": "userId", "value": "u-1"}, {"type": "anonymousId", "value": "a-1"}]
    body = as_bytes({"userId": "u-1", "event": "x", "previousId": "u-0", "groupId": "g", "mergeProperties": joined})
    parcel = as_rudderstack(open_single(body, call))

    again = reader_of(parcel.reader.protocol)

    assert parcel.reader.protocol == f"rudderstack.{call}"
    assert again is not None
    first = taken(parcel.reader.read(body, ARRIVAL, may_hold_nul=False))
    assert taken(again.read(body, ARRIVAL, may_hold_nul=False)).kind == first.kind


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        ({"type": "track", "event": "x", "anonymousId": None, "userId": " "}, "neither has anonymousId nor userId"),
        (5, "not a valid rudder event"),
    ],
)
def test_batch_is_refused_whole_for_one_item_and_each_is_kept_by_itself(bad: Any, detail: str) -> None:
    parcel = _batch(_track(originalTimestamp=to_text(NOW + HOUR)), bad, sentAt=to_text(NOW + HOUR))

    outcomes = [turned_down(parcel.reader.read(item, ARRIVAL, may_hold_nul=False)) for item in parcel.split.items]

    assert all(detail in outcome.refusal.detail for outcome in outcomes)
    again = reader_of(parcel.reader.protocol)
    assert again is not None
    replayed = taken(again.read(outcomes[0].payload, ARRIVAL, may_hold_nul=False))
    assert (replayed.id, replayed.occurred_at) == ("m-1", NOW)


def test_merge_needs_no_id_of_its_own() -> None:
    joined = [{"type": "userId", "value": "u-1"}, {"type": "anonymousId", "value": "a-1"}]
    parcel = _batch({"type": "merge", "mergeProperties": joined})

    (item,) = parcel.split.items

    assert taken(parcel.reader.read(item, ARRIVAL, may_hold_nul=False)).kind == "identified"
