"""Segment's routes on a real log, by hand as SDKs send it."""

import base64
from typing import Any

import pytest

from services.ingest.api import examples
from services.ingest.api.browser import GIF
from services.ingest.api.segment import LETTERS
from services.ingest.protocols.segment import CALLS
from tests.ingest_door import OpenDoor

_TRACK = {"type": "track", "userId": "u-1", "event": "Demo Requested", "messageId": "m-1"}


def _basic(key: str, *, colon: str = ":") -> str:
    return f"Basic {base64.b64encode(f'{key}{colon}'.encode()).decode()}"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("route", [*CALLS, *LETTERS])
async def test_single_call_is_exactly_200(door: OpenDoor, route: str, slash: str) -> None:
    name = LETTERS.get(route, route)

    answer = await door.post(f"/v1/{route}{slash}", examples.SEGMENT_CALLS[name], content_type="text/plain")

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert touchpoint.id == examples.SEGMENT_CALLS[name]["messageId"]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/v1/b/"])
async def test_batch_is_exactly_200(door: OpenDoor, path: str) -> None:
    answer = await door.post(path, examples.SEGMENT_BATCH)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(await door.touchpoints()) == len(CALLS)


async def test_key_is_found_wherever_sdks_put_it(door: OpenDoor) -> None:
    key = door.keys.write
    answers = [
        await door.post("/v1/t", _TRACK, authorization=_basic(key)),
        await door.post("/v1/t", _TRACK, authorization=_basic(key, colon="")),
        await door.post("/v1/t", {**_TRACK, "writeKey": key}, authorization=""),
        await door.post("/v1/batch", {"batch": [_TRACK], "writeKey": key}, authorization=""),
        await door.post("/v1/batch", {"batch": [_TRACK], "writeKey": key}, authorization="Bearer some-oauth-token"),
        await door.post(f"/v1/t?writeKey={key}", _TRACK, authorization="", origin="http://localhost:1234"),
    ]

    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert len(await door.touchpoints()) == len(answers)


@pytest.mark.parametrize("body", [_TRACK, {**_TRACK, "writeKey": "tw_nobody_x"}, {**_TRACK, "writeKey": 5}])
async def test_without_a_good_key_it_is_401_with_what_sdks_read(door: OpenDoor, body: dict[str, Any]) -> None:
    answer = await door.post("/v1/t", body, authorization="", origin="https://shop.example")

    assert answer.status_code == 401
    assert {"code", "message", "detail"} <= set(answer.json())
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_foreign_site_is_403(door: OpenDoor) -> None:
    assert (await door.post("/v1/t", _TRACK, origin="https://evil.example")).status_code == 403


async def test_refused_item_is_dropped_silently_as_segment_does_but_kept(door: OpenDoor) -> None:
    answer = await door.post("/v1/batch", {"batch": [_TRACK, {"type": "track", "event": "x"}]})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(await door.touchpoints()) == 1
    (kept,) = await door.rejections()
    assert (kept.code, kept.protocol) == ("no_identity", "segment")


async def test_key_of_our_own_profile_is_told_what_was_refused(door: OpenDoor) -> None:
    ours = f"Bearer {door.keys.native}"
    bad = {"type": "track", "event": "x"}

    mixed = await door.post("/v1/batch", {"batch": [_TRACK, bad]}, authorization=ours)
    none = await door.post("/v1/batch", {"batch": [bad]}, authorization=ours)

    assert (mixed.status_code, mixed.json()["accepted"], mixed.json()["rejected"][0]["code"]) == (200, 1, "no_identity")
    assert (none.status_code, none.json()["rejected"][0]["index"]) == (422, 0)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/t"])
@pytest.mark.parametrize("body", [b"", b"not json", b"[]"], ids=["nothing", "no json", "array"])
async def test_body_that_is_no_request_is_400(door: OpenDoor, path: str, body: bytes) -> None:
    answer = await door.post(path, body)

    assert answer.status_code == 400
    assert {"code", "message"} <= set(answer.json())


async def test_damaged_item_of_a_batch_takes_no_other_with_it(door: OpenDoor) -> None:
    good = b'{"type":"track","userId":"u","event":"x"}'

    answer = await door.post("/v1/batch", b'{"batch":[' + good + b',{"x":NaN},' + good + b"]}")

    assert answer.status_code == 200
    assert len(await door.touchpoints()) == 2
    assert len(await door.rejections()) == 1


async def test_numbers_of_the_browser_sdk_about_itself_are_ignored(door: OpenDoor) -> None:
    answer = await door.post("/v1/m", {"series": [{}]}, authorization="")

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert await door.touchpoints() == []


@pytest.mark.parametrize("slash", ["", "/"])
async def test_settings_document_says_where_to_send(door: OpenDoor, slash: str) -> None:
    answer = await door.client.get(
        f"/v1/projects/{door.keys.write}/settings{slash}", headers={"origin": "https://shop.example"}
    )

    told = answer.json()["integrations"]["Segment.io"]
    assert answer.status_code == 200
    assert (told["apiKey"], told["apiHost"], told["protocol"]) == (door.keys.write, "ingest/v1", "http")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_settings_of_an_unknown_or_secret_key_are_404(door: OpenDoor) -> None:
    assert (await door.client.get("/v1/projects/tw_nobody_x/settings")).status_code == 404
    assert (await door.client.get(f"/v1/projects/{door.keys.secret}/settings")).status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
async def test_pixel_is_a_call(door: OpenDoor, slash: str) -> None:
    call = f'{{"writeKey":"{door.keys.write}","event":"Email Opened","userId":"u-1"}}'

    answer = await door.client.get(f"/v1/pixel/track{slash}", params={"data": base64.b64encode(call.encode()).decode()})

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, GIF, "image/gif")
    assert (touchpoint.kind, touchpoint.channel, touchpoint.keys) == ("email_opened", "email", ("5user_id:u-1",))


async def test_pixel_takes_flat_parameters(door: OpenDoor) -> None:
    flat = {"writeKey": door.keys.write, "userId": "u-1", "event": "Email Opened", "properties.subject": "Hello"}

    await door.client.get("/v1/pixel/track", params=flat)

    (touchpoint,) = await door.touchpoints()
    assert bytes(touchpoint.properties) == b'{"subject":"Hello"}'


@pytest.mark.parametrize("path", ["/v1/pixel/track?data=%%%", "/v1/pixel/track", "/v1/pixel/nonsense?userId=u"])
async def test_pixel_is_an_image_even_on_an_error(door: OpenDoor, path: str) -> None:
    answer = await door.client.get(path)

    assert (answer.status_code, answer.content) == (200, GIF)
    assert await door.touchpoints() == []


def test_pixel_is_a_gif_of_43_bytes() -> None:
    assert GIF[:6] == b"GIF89a"
    assert len(GIF) == 43


async def test_no_posting_route_redirects(door: OpenDoor) -> None:
    paths = [
        f"/v1/{name}{slash}" for name in [*CALLS, *LETTERS, "batch", "b", "m", "touchpoints"] for slash in ("", "/")
    ]

    statuses = {(await door.post(path, _TRACK)).status_code for path in paths}

    assert not {status for status in statuses if 300 <= status < 400}
