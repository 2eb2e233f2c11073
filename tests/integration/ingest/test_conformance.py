"""Twenty failures that real clients have met with receivers of their protocols, and the tests that they are none here.

``LINES`` says for each what it is and which tests show it; the tests that stand here are those of no single protocol.
"""

import base64
import re
import time
from typing import Any, Final

import msgspec
import pytest

from services.ingest.handlers.hook_providers import providers
from shared.access import WireProfile
from shared.clock import HOUR, MINUTE, SECOND, SystemClock, to_text
from shared.database.engine import connect
from shared.vocabulary import TopicName
from tests.architecture.source import ROOT
from tests.ingest_door import OpenDoor, read_log
from tests.scoring_driver import open_scoring
from tests.unit.ingest.webhooks.signing import SECRETS, SIGNERS

_HERE: Final = "tests/integration/ingest"
_UNIT: Final = "tests/unit/ingest"

LINES: Final[dict[str, tuple[str, ...]]] = {
    "text/plain with Basic is parsed, and the preflight for authorization passes": (
        f"{_HERE}/test_conformance.py::test_call_of_the_browser_sdk_is_taken_with_its_preflight",
        f"{_HERE}/test_sdk_routes.py::test_a_browser_of_another_site_may_ask_with_any_header",
    ),
    "the settings document has the key, and a host without a scheme": (
        f"{_HERE}/test_segment.py::test_settings_document_says_where_to_send",
    ),
    "gzip that calls itself a form is taken": (
        f"{_HERE}/test_rudderstack.py::test_gzip_that_calls_itself_a_form_is_a_batch",
    ),
    "gzip without a content encoding is taken": (
        f"{_HERE}/test_posthog.py::test_browser_bodies_are_taken_as_they_come",
        f"{_HERE}/test_event_bodies.py::test_gzip_is_known_by_its_first_bytes",
    ),
    "base64 in a form is taken, and its plus survives": (
        f"{_UNIT}/protocols/test_posthog_envelope.py::test_wrapped_however_it_is_the_same_event",
    ),
    "every route of an SDK answers exactly 200, so nothing is sent twice": (
        f"{_HERE}/test_segment.py::test_single_call_is_exactly_200",
        f"{_HERE}/test_segment.py::test_batch_is_exactly_200",
        f"{_HERE}/test_posthog.py::test_every_capture_route_is_exactly_200_posted_and_fetched",
        "tests/e2e/test_server_clients.py::test_real_client_delivers_every_call_once",
    ),
    "errors have code, message and detail": (
        f"{_HERE}/test_sdk_routes.py::test_no_route_redirects_and_every_error_can_be_read",
        f"{_HERE}/test_posthog.py::test_without_a_good_token_it_is_401_with_what_sdks_read",
    ),
    "429 says how long, a browser may read it, and analytics-next waits": (
        f"{_HERE}/test_rates.py::test_a_key_that_is_too_fast_is_told_to_wait",
        "tests/e2e/test_told_to_wait.py::test_segments_client_waits_as_long_as_it_is_told",
    ),
    "what comes twice counts once, in a batch and across, whenever it was sent": (
        f"{_HERE}/test_conformance.py::test_what_comes_again_counts_once",
    ),
    "null, empty and numeric ids; nobody is refused by itself, or with its batch": (
        f"{_UNIT}/protocols/test_segment.py::test_empty_ids_are_normal",
        f"{_UNIT}/protocols/test_segment.py::test_numeric_ids_are_normal",
        f"{_HERE}/test_segment.py::test_refused_item_is_dropped_silently_as_segment_does_but_kept",
        f"{_HERE}/test_rudderstack.py::test_one_nobody_refuses_the_batch_and_all_of_it_is_kept_to_be_replayed",
    ),
    "traits are read where they stand": (
        f"{_UNIT}/protocols/test_segment.py::test_address_is_found_where_sdks_put_it_and_shown_as_a_trait",
    ),
    "a clock that is an hour fast is corrected": (
        f"{_HERE}/test_conformance.py::test_a_clock_that_is_fast_is_corrected",
    ),
    "PostHog's offset, old arrays, and tokens among the properties": (
        f"{_UNIT}/protocols/test_posthog.py::test_clock_is_corrected_where_it_was_told",
        f"{_UNIT}/protocols/test_posthog_envelope.py::test_wrapped_however_it_is_the_same_event",
        f"{_UNIT}/protocols/test_posthog_envelope.py::test_token_is_found_among_the_properties_in_the_envelope_and_in_the_query",
    ),
    "Snowplow: strings, base64, GET and POST, image, cookie, anonymous, CORS, no open redirect": (
        f"{_UNIT}/protocols/test_snowplow.py::test_base64_is_taken_with_and_without_padding",
        f"{_HERE}/test_snowplow.py::test_image_is_an_event_and_asking_for_it_is_none",
        f"{_HERE}/test_snowplow.py::test_browser_is_given_a_cookie_and_known_by_it_afterwards",
        f"{_HERE}/test_snowplow.py::test_anonymous_request_gets_no_cookie_loses_the_one_it_has_and_leaves_no_trace",
        f"{_HERE}/test_snowplow.py::test_preflight_passes_for_what_trackers_ask",
        f"{_HERE}/test_snowplow.py::test_link_leads_nowhere_else",
    ),
    "CloudEvents: batches, raw and encoded headers, no content type": (
        f"{_HERE}/test_cloudevents.py::test_the_same_event_in_three_ways_is_one",
        f"{_HERE}/test_cloudevents.py::test_answer_is_that_of_the_specification",
        f"{_HERE}/test_cloudevents.py::test_binary_header_that_is_no_text_is_kept",
    ),
    "what providers ask before they deliver": (
        f"{_HERE}/test_conformance.py::test_a_provider_that_asks_first_is_answered_at_once",
        f"{_UNIT}/webhooks/test_signatures.py::test_sendgrid_signs_the_line_end_too",
        f"{_HERE}/test_hooks.py::test_a_replayed_token_is_refused_without_being_sent_again",
        f"{_HERE}/test_hooks.py::test_amazons_topic_is_agreed_to_once_its_signature_holds",
        f"{_UNIT}/webhooks/test_sns.py::test_nothing_is_fetched_from_other_hosts",
        f"{_HERE}/test_hooks.py::test_handshakes_are_answered_before_there_is_a_secret",
        f"{_UNIT}/webhooks/test_signatures.py::test_linkedins_challenge_is_answered_as_in_the_vector",
    ),
    "Unbounce's lists are unwrapped; Google's long ids, and its tests": (
        f"{_UNIT}/webhooks/test_providers.py::test_an_example_becomes_its_touchpoints",
    ),
    "no posting route redirects": (
        f"{_HERE}/test_segment.py::test_no_posting_route_redirects",
        f"{_HERE}/test_sdk_routes.py::test_no_route_redirects_and_every_error_can_be_read",
    ),
    "beacons have their key in the address": (
        f"{_HERE}/test_conformance.py::test_beacon_is_taken_with_its_key_in_the_address",
        f"{_HERE}/test_rudderstack.py::test_beacon_has_its_key_in_the_query_only",
        f"{_HERE}/test_posthog.py::test_beacon_is_answered_with_nothing",
    ),
    "a bomb is 413, which makes posthog-node halve its batches": (
        f"{_HERE}/test_event_bodies.py::test_bomb_is_413_and_can_be_read_by_a_browser",
        f"{_HERE}/test_posthog.py::test_too_many_events_and_a_bomb_are_413_which_makes_sdks_halve",
        "tests/e2e/test_server_clients.py::test_posthogs_client_halves_what_is_too_large",
    ),
}

_SHOP: Final = {"origin": "https://shop.example"}


def test_every_line_is_shown_by_tests_that_are_there() -> None:
    assert len(LINES) == 20
    missing = [
        place
        for places in LINES.values()
        for place in places
        if not re.search(rf"^(?:async )?def {place.partition('::')[2]}\(", _text_of(place), re.MULTILINE)
    ]
    assert missing == []


def _text_of(place: str) -> str:
    return (ROOT / place.partition("::")[0]).read_text()


async def test_call_of_the_browser_sdk_is_taken_with_its_preflight(door: OpenDoor) -> None:
    key = base64.b64encode(f"{door.keys.write}:".encode()).decode()
    call = {"type": "track", "event": "Button Clicked", "anonymousId": "a-1", "messageId": "ajs-1"}

    asked = await door.client.options("/v1/t", headers={**_SHOP, "access-control-request-headers": "authorization"})
    told = await door.post("/v1/t", call, **_SHOP, authorization=f"Basic {key}", content_type="text/plain")

    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (200, "authorization")
    assert (
        asked.headers["access-control-allow-origin"] == told.headers["access-control-allow-origin"] == _SHOP["origin"]
    )
    assert (told.status_code, told.json()) == (200, {"success": True})
    assert [one.id for one in await door.touchpoints()] == ["ajs-1"]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/t", "/beacon/v1/batch"])
async def test_beacon_is_taken_with_its_key_in_the_address(door: OpenDoor, path: str) -> None:
    call = {"type": "track", "event": "Page Left", "anonymousId": "a-1", "messageId": "m-1"}
    body = call if path == "/v1/t" else {"batch": [call]}
    beacon = {**_SHOP, "content_type": "text/plain;charset=UTF-8", "sec_fetch_mode": "no-cors"}

    answer = await door.post(f"{path}?writeKey={door.keys.write}", body, authorization="", **beacon)

    assert answer.status_code == 200
    assert [one.id for one in await door.touchpoints()] == ["m-1"]


def _twice(item: dict[str, Any], sent: str, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two requests, sent at other times, of which the first has the item twice."""
    return {key: [item, item], sent: "2026-11-25T09:30:01Z"}, {key: [item], sent: "2026-11-25T09:45:00Z"}


_TRACK: Final = {"type": "track", "event": "Demo Requested", "userId": "u-1", "messageId": "m-1"}
_CAPTURE: Final = {
    "event": "Demo Requested",
    "distinct_id": "u-1",
    "uuid": "0190f0e0-0000-7000-8000-000000000001",
    "timestamp": "2026-11-25T09:30:00Z",
}
_SELF: Final = {"e": "pv", "uid": "u-1", "eid": "7e0b1f06-0000-4000-8000-000000000002", "dtm": "1764063000000"}
_EVENT: Final = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "com.acme.demo",
    "data": {"user_id": "u-1"},
}
_PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"


async def test_what_comes_again_counts_once(door: OpenDoor, database: str) -> None:
    keyed = {"api_key": door.keys.write}
    for body in _twice(_TRACK, "sentAt", "batch"):
        assert (await door.post("/v1/batch", body)).status_code == 200
    rudderstack = f"Bearer {await door.key_of(WireProfile.RUDDERSTACK)}"
    for body in _twice({**_TRACK, "messageId": "m-2"}, "sentAt", "batch"):
        assert (await door.post("/v1/batch", body, authorization=rudderstack)).status_code == 200
    for body in _twice(_CAPTURE, "sent_at", "batch"):
        assert (await door.post("/batch/", {**body, **keyed}, authorization="")).status_code == 200
    for stm, items in (("1764063001000", 2), ("1764063900000", 1)):
        data = {"schema": _PAYLOAD, "data": [{**_SELF, "aid": door.keys.write, "stm": stm}] * items}
        answer = await door.post("/com.snowplowanalytics.snowplow/tp2", data, authorization="")
        assert answer.status_code == 200
    for batch in ([_EVENT, _EVENT], [{**_EVENT, "time": "2026-11-25T09:45:00Z"}]):
        answer = await door.post("/v1/events", batch, content_type="application/cloudevents-batch+json")
        assert answer.status_code == 200
    hook = await _hook(door, "sendgrid")
    opened = {"sg_event_id": "e1", "event": "open", "email": "jane@example.com", "timestamp": 1_764_063_000}
    for events in ([opened, opened], [opened]):
        signed = SIGNERS["sendgrid"](msgspec.json.encode(events), "", SystemClock().now() // SECOND)
        answer = await door.client.post(hook, content=signed.body, headers=signed.headers)
        assert answer.status_code == 200, answer.text

    connection = await connect(door.admin_dsn)
    values = await read_log(connection, TopicName.TOUCHPOINTS)
    await connection.close()
    scoring = await open_scoring(database, SystemClock())
    try:
        handled = await scoring.deliver_bytes(values)
    finally:
        await scoring.pool.close()

    assert (len(values), handled.fresh, handled.conflicts) == (18, 6, {})


async def test_a_clock_that_is_fast_is_corrected(door: OpenDoor) -> None:
    now = SystemClock().now()
    sent, happened = now + HOUR, now + HOUR - MINUTE
    rudderstack = f"Bearer {await door.key_of(WireProfile.RUDDERSTACK)}"
    call = {**_TRACK, "timestamp": to_text(happened)}
    theirs = {**_TRACK, "originalTimestamp": to_text(happened), "sentAt": to_text(sent)}

    await door.post("/v1/batch", {"batch": [call], "sentAt": to_text(sent)})
    await door.post("/v1/batch", {"batch": [theirs]}, authorization=rudderstack)
    await door.post(
        "/batch/",
        {
            "api_key": door.keys.write,
            "sent_at": to_text(sent),
            "batch": [{**_CAPTURE, "timestamp": to_text(happened)}],
        },
        authorization="",
    )
    await door.post(
        "/com.snowplowanalytics.snowplow/tp2",
        {
            "schema": _PAYLOAD,
            "data": [{**_SELF, "aid": door.keys.write, "dtm": str(happened // 1000), "stm": str(sent // 1000)}],
        },
        authorization="",
    )

    touchpoints = await door.touchpoints()
    assert {one.protocol for one in touchpoints} == {"segment", "rudderstack", "posthog", "snowplow"}
    for one in touchpoints:
        assert abs(one.occurred_at - (one.received_at - MINUTE)) < MINUTE // 12, one.protocol


async def test_a_provider_that_asks_first_is_answered_at_once(door: OpenDoor) -> None:
    begun = time.monotonic()
    for provider in providers():
        hook = await _hook(door, provider, secrets=False)
        asked = [await door.client.request(method, hook) for method in ("GET", "HEAD")]

        assert {answer.status_code for answer in asked} <= {200, 403}, provider
        if provider in {"mailchimp", "mandrill"}:
            assert [answer.status_code for answer in asked] == [200, 200]

    assert time.monotonic() - begun < 3 * len(providers())


async def _hook(door: OpenDoor, provider: str, *, secrets: bool = True) -> str:
    made = await door.client.post(
        "/v1/hooks",
        json={"provider": provider, "secrets": SECRETS[provider] if secrets else {}},
        headers={"authorization": f"Bearer {door.keys.secret}"},
    )
    assert made.status_code == 201, made.text
    await door.own.hooks.load()
    path: str = made.json()["path"]
    return path
