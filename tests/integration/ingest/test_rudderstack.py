"""RudderStack's routes on a real log, by hand as its SDKs send it."""

import base64
import gzip
from typing import Any

import msgspec
import pytest

from services.ingest.api.browser import GIF
from services.ingest.protocols.segment import CALLS
from shared.access import WireProfile
from tests.ingest_door import OpenDoor

_TRACK = {"type": "track", "userId": "u-1", "event": "Demo Requested", "messageId": "m-1"}
_SHOP = {"origin": "https://shop.example"}


def _basic(key: str) -> str:
    return f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"


@pytest.fixture
async def basic(door: OpenDoor) -> str:
    return _basic(await door.key_of(WireProfile.RUDDERSTACK))


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("call", [*CALLS, "merge"])
async def test_single_call_is_ok(door: OpenDoor, basic: str, call: str, slash: str) -> None:
    joined = [{"type": "userId", "value": "u-1"}, {"type": "email", "value": "jane@example.com"}]
    body = {**_TRACK, "type": call, "previousId": "u-0", "groupId": "g", "mergeProperties": joined}

    answer = await door.post(f"/v1/{call}{slash}", body, authorization=basic)

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (touchpoint.id, touchpoint.protocol) == ("m-1", "rudderstack")


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/import", "/v1/import/"])
async def test_gzip_that_calls_itself_a_form_is_a_batch(door: OpenDoor, basic: str, path: str) -> None:
    body = gzip.compress(msgspec.json.encode({"batch": [_TRACK], "timestamp": None, "sentAt": "2026-11-25T09:30:01Z"}))
    form = "application/x-www-form-urlencoded"

    answer = await door.post(path, body, authorization=basic, content_type=form, content_encoding="gzip")

    assert (answer.status_code, answer.text) == (200, "ok")
    assert [one.id for one in await door.touchpoints()] == ["m-1"]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_beacon_has_its_key_in_the_query_only(door: OpenDoor, slash: str) -> None:
    headers = {**_SHOP, "content-type": "text/plain", "sec-fetch-mode": "no-cors"}
    body = msgspec.json.encode({"batch": [_TRACK], "sentAt": "2026-11-25T09:30:01Z"})

    answer = await door.client.post(
        f"/beacon/v1/batch{slash}?writeKey={door.keys.write}", content=body, headers=headers
    )
    nobody = await door.client.post(f"/beacon/v1/batch{slash}", content=body, headers=headers)

    assert (answer.status_code, answer.text) == (200, "ok")
    assert (nobody.status_code, {"code", "message", "detail"} <= set(nobody.json())) == (401, True)
    assert nobody.headers["access-control-allow-origin"] == _SHOP["origin"]
    assert [one.protocol for one in await door.touchpoints()] == ["rudderstack"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not json", 400, "invalid json"),
        (b"[]", 400, "invalid json"),
        (b'{"batch":[]}', 400, "empty batch payload"),
        (b"", 400, "empty batch payload"),
        (b'{"batch":[5]}', 400, "event is not a valid rudder event"),
        (b'{"batch":[{"type":"track","event":"x"}]}', 400, "request neither has anonymousId nor userId"),
    ],
)
async def test_refusals_are_plain_text_in_its_words(
    door: OpenDoor, basic: str, body: bytes, status: int, said: str
) -> None:
    answer = await door.post("/v1/batch", body, authorization=basic, **_SHOP)

    assert (answer.status_code, answer.text) == (status, said)
    assert answer.headers["access-control-allow-origin"] == _SHOP["origin"]


async def test_one_nobody_refuses_the_batch_and_all_of_it_is_kept_to_be_replayed(door: OpenDoor, basic: str) -> None:
    nobody = {"type": "track", "event": "x", "messageId": "m-2"}

    answer = await door.post("/v1/batch", {"batch": [_TRACK, nobody]}, authorization=basic)

    assert answer.status_code == 400
    assert await door.touchpoints() == []
    assert [one.id for one in await door.rejections()] == ["m-1", "m-2"]
    await door.keep()
    replayed = await door.client.post(
        "/v1/rejected/replay", json={"code": "no_identity"}, headers={"authorization": f"Bearer {door.keys.secret}"}
    )
    assert (replayed.json()["accepted"], [one["id"] for one in replayed.json()["refused"]]) == (1, ["m-2"])


async def test_what_it_would_refuse_behind_its_door_is_ok_and_kept(door: OpenDoor, basic: str) -> None:
    answer = await door.post("/v1/batch", {"batch": [{**_TRACK, "type": "delete"}]}, authorization=basic)

    assert (answer.status_code, answer.text) == (200, "ok")
    assert [(one.code, one.protocol) for one in await door.rejections()] == [("unknown_value", "rudderstack")]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("call", "kind"), [("track", "email_opened"), ("page", "page_viewed")])
async def test_pixel_is_a_call(door: OpenDoor, slash: str, call: str, kind: str) -> None:
    flat = {
        "writeKey": door.keys.write,
        "anonymousId": '"a-1"',
        "event": "Email Opened",
        "properties.subject": "Hello",
        "context.traits.email": "jane@example.com",
    }

    answer = await door.client.get(f"/pixel/v1/{call}{slash}", params=flat)

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, GIF, "image/gif")
    assert (touchpoint.kind, touchpoint.keys[-1]) == (kind, "1anonymous_id:a-1")
    assert bytes(touchpoint.properties) == b'{"subject":"Hello"}'


@pytest.mark.parametrize("query", ["", "?writeKey=nobody&userId=u", "?%%%"])
async def test_pixel_is_an_image_even_on_an_error(door: OpenDoor, query: str) -> None:
    answer = await door.client.get(f"/pixel/v1/track{query}")

    assert (answer.status_code, answer.content) == (200, GIF)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_source_config_lets_the_browser_sdk_send(door: OpenDoor, slash: str) -> None:
    path, key = f"/sourceConfig{slash}?p=npm&v=3.34.1&writeKey={door.keys.write}", door.keys.write

    ask = {**_SHOP, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    preflight = await door.client.options(path, headers=ask)
    answer = await door.client.get(path, headers={**_SHOP, "authorization": _basic(key)})

    source = answer.json()["source"]
    assert (preflight.status_code, preflight.headers["access-control-allow-headers"]) == (200, "authorization")
    assert preflight.headers["access-control-allow-origin"] == _SHOP["origin"]
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, _SHOP["origin"])
    assert (source["enabled"], source["writeKey"], source["destinations"]) == (True, key, [])
    assert source["id"]
    assert source["config"]["statsCollection"]["errors"] == {"enabled": False}


@pytest.mark.parametrize(("site", "status"), [("https://shop.example", 401), ("https://evil.example", 403)])
async def test_source_config_errors_can_be_read_by_a_browser(door: OpenDoor, site: str, status: int) -> None:
    key = "nobody" if status == 401 else door.keys.write
    answer = await door.client.get("/sourceConfig/", headers={"origin": site, "authorization": _basic(key)})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, site)
    assert {"code", "message", "detail"} <= set(answer.json())


async def test_numbers_of_the_browser_sdk_about_itself_are_ignored(door: OpenDoor) -> None:
    answer = await door.post("/rsaMetrics", {"metrics": []}, authorization="")

    assert (answer.status_code, answer.text) == (200, "ok")


async def test_same_message_in_two_batches_has_one_id_though_it_was_sent_at_other_times(
    door: OpenDoor, basic: str
) -> None:
    for second in (1, 2):
        body: dict[str, Any] = {"batch": [_TRACK, _TRACK], "sentAt": f"2026-11-25T09:30:0{second}Z"}
        assert (await door.post("/v1/batch", body, authorization=basic)).status_code == 200

    assert {one.id for one in await door.touchpoints()} == {"m-1"}
