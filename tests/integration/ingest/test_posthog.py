"""PostHog's routes on a real log, by hand as its SDKs send it."""

import base64
import gzip
import zlib
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest

from services.ingest.api.posthog import CAPTURING, V1
from tests.ingest_door import OpenDoor

_UUID = "01a200e5-c533-72a0-83e9-73a3823ac906"
_EVENT = {"uuid": _UUID, "event": "Demo Requested", "distinct_id": "u-1"}
_SHOP = {"origin": "https://shop.example"}
_OK = {"status": "Ok"}


def _envelope(door: OpenDoor, *events: Any) -> dict[str, Any]:
    return {"api_key": door.keys.write, "batch": events or [_EVENT], "sent_at": "2026-11-25T09:30:01Z"}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", CAPTURING)
async def test_every_capture_route_is_exactly_200_posted_and_fetched(door: OpenDoor, path: str, slash: str) -> None:
    body = msgspec.json.encode(_envelope(door))
    posted = await door.post(f"{path}{slash}", body, authorization="", **_SHOP)
    query = {"data": base64.b64encode(body).decode(), "_": "1795000000000"}
    got = await door.client.get(f"{path}{slash}", params=query, headers=_SHOP)
    asked = await door.client.options(f"{path}{slash}", headers={**_SHOP, "access-control-request-method": "POST"})

    assert [(answer.status_code, answer.json()) for answer in (posted, got)] == [(200, _OK)] * 2
    assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (200, "GET, POST, OPTIONS")
    assert {answer.headers["access-control-allow-origin"] for answer in (posted, got, asked)} == {_SHOP["origin"]}
    assert [one.id for one in await door.touchpoints()] == [_UUID] * 2


async def test_browser_bodies_are_taken_as_they_come(door: OpenDoor) -> None:
    body = msgspec.json.encode(_envelope(door))
    old = [{**_EVENT, "distinct_id": None, "properties": {"distinct_id": "u-1", "token": door.keys.write}, "offset": 5}]
    form = "application/x-www-form-urlencoded"
    answers = [
        await door.post("/e/", gzip.compress(body), authorization="", content_type="text/plain", **_SHOP),
        await door.post(
            "/e/?compression=base64",
            b"data=" + quote_plus(base64.b64encode(body)).encode(),
            authorization="",
            content_type=form,
            **_SHOP,
        ),
        await door.post(
            "/e/?ip=1&_=1795000000000&ver=1.200.0&compression=gzip-js",
            gzip.compress(msgspec.json.encode(old)),
            authorization="",
            content_type="text/plain",
            **_SHOP,
        ),
        await door.post("/capture/", {**_EVENT, "api_key": door.keys.write}, authorization=""),
        await door.post("/batch/", gzip.compress(body), authorization="", content_encoding="gzip"),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, _OK)] * len(answers)
    assert [one.keys for one in await door.touchpoints()] == [("5user_id:u-1",)] * len(answers)


async def test_beacon_is_answered_with_nothing(door: OpenDoor) -> None:
    answer = await door.post("/e/?ip=1&beacon=1", [{**_EVENT, "token": door.keys.write}], authorization="", **_SHOP)

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == _SHOP["origin"]
    assert len(await door.touchpoints()) == 1


@pytest.mark.parametrize("key", ["", "phx_personal", "phc_unknown"])
@pytest.mark.parametrize("path", ["/e/", "/batch/", V1])
async def test_without_a_good_token_it_is_401_with_what_sdks_read(door: OpenDoor, path: str, key: str) -> None:
    answer = await door.post(path, {"api_key": key, "batch": [_EVENT]}, authorization="", **_SHOP)

    assert answer.status_code == 401
    assert {"code", "message", "detail"} <= set(answer.json())
    assert answer.headers["access-control-allow-origin"] == _SHOP["origin"]


async def test_mixed_tokens_are_401(door: OpenDoor) -> None:
    events = [{**_EVENT, "token": door.keys.write}, {**_EVENT, "token": door.keys.native}]

    assert (await door.post("/e/", events, authorization="")).status_code == 401
    assert await door.touchpoints() == []


async def test_bad_event_is_kept_and_takes_no_other_with_it(door: OpenDoor) -> None:
    answer = await door.post("/batch/", _envelope(door, _EVENT, {"event": "x", "uuid": "bad"}), authorization="")

    (kept,) = await door.rejections()
    assert (answer.status_code, answer.json()) == (200, _OK)
    assert (kept.id, kept.code, kept.pointer, kept.protocol) == ("bad", "missing", "/distinct_id", "posthog")
    assert [one.id for one in await door.touchpoints()] == [_UUID]


@pytest.mark.parametrize("body", [b"not json", b"", b"[]", b'{"event":"x"}'], ids=["no json", "nothing", "none", "bad"])
async def test_request_of_which_nothing_is_taken_is_400(door: OpenDoor, body: bytes) -> None:
    answer = await door.post(f"/e/?token={door.keys.write}", body, authorization="", **_SHOP)

    assert answer.status_code == 400
    assert {"code", "message", "detail"} <= set(answer.json())
    assert answer.headers["access-control-allow-origin"] == _SHOP["origin"]


async def test_too_many_events_and_a_bomb_are_413_which_makes_sdks_halve(door: OpenDoor) -> None:
    many = await door.post("/batch/", _envelope(door, *[{}] * 2_501), authorization="")
    bomb = await door.post("/batch/", gzip.compress(b" " * 20_000_000), authorization="")

    assert (many.status_code, bomb.status_code) == (413, 413)


async def test_refused_event_of_an_envelope_is_replayed_with_its_time(door: OpenDoor) -> None:
    await door.post("/batch/", _envelope(door, {"uuid": "r", "distinct_id": "u", "timestamp": "2026-11-25T09:30:00Z"}))
    await door.keep()
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    shown = (await door.client.get("/v1/rejected/r", headers=headers)).json()

    payload = {**msgspec.json.decode(shown["payload"]), "event": "Fine"}
    await door.client.patch("/v1/rejected/r", json={"payload": payload}, headers=headers)
    replayed = await door.client.post("/v1/rejected/r/replay", headers=headers)

    (touchpoint,) = await door.touchpoints()
    assert (replayed.json()["accepted"], touchpoint.kind) == (1, "fine")
    assert touchpoint.received_at - touchpoint.occurred_at == 1_000_000


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
async def test_newer_route_answers_event_by_event(door: OpenDoor, encoding: str, slash: str) -> None:
    options = {"disable_skew_correction": True}
    good = {**_EVENT, "timestamp": "2026-11-25T09:30:00Z", "options": options, "properties": {}}
    body = msgspec.json.encode(
        {"created_at": "2026-11-25T09:30:01Z", "batch": [good, {**good, "uuid": "b", "event": 5}]}
    )
    packed = {"": body, "gzip": gzip.compress(body), "deflate": zlib.compress(body)}[encoding]
    said = {"posthog_sdk_info": "x/1", "posthog_attempt": "1", "posthog_request_timestamp": "2026-11-25T09:30:02Z"}

    answer = await door.post(V1 + slash, packed, content_encoding=encoding, **said)

    results = answer.json()["results"]
    assert answer.status_code == 200
    assert results[_UUID] == {"result": "ok"}
    assert (results["b"]["result"], bool(results["b"]["details"])) == ("drop", True)
    assert [one.id for one in await door.touchpoints()] == [_UUID]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_browser_sdk_is_told_to_send_and_nothing_else(door: OpenDoor, slash: str) -> None:
    config = await door.client.get(f"/array/{door.keys.write}/config{slash}?ip=0", headers=_SHOP)
    script = await door.client.get(f"/array/{door.keys.write}/config.js{slash}", headers=_SHOP)
    nobody = await door.client.get(f"/array/tw_nobody_x/config{slash}", headers=_SHOP)

    told = config.json()
    assert (told["token"], told["supportedCompression"]) == (door.keys.write, ["gzip", "gzip-js"])
    assert (told["hasFeatureFlags"], told["sessionRecording"], told["surveys"]) == (False, False, False)
    assert script.text.startswith("window._POSTHOG_REMOTE_CONFIG=")
    assert door.keys.write in script.text
    assert (nobody.status_code, nobody.headers["access-control-allow-origin"]) == (404, _SHOP["origin"])


@pytest.mark.parametrize("path", ["/flags/?v=2", "/flags?v=4", "/decide/?v=3", "/decide"])
async def test_flags_are_none(door: OpenDoor, path: str) -> None:
    answer = await door.post(path, {"token": "x", "distinct_id": "u"}, authorization="", **_SHOP)

    told = answer.json()
    assert (answer.status_code, told["flags"], told["featureFlags"]) == (200, {}, {})
    assert (told["errorsWhileComputingFlags"], bool(told["requestId"])) == (False, True)
    assert answer.headers["access-control-allow-origin"] == _SHOP["origin"]


@pytest.mark.parametrize("path", ["/s", "/s/", "/s/?compression=gzip-js"])
async def test_recordings_are_dropped(door: OpenDoor, path: str) -> None:
    answer = await door.post(path, b"\x1f\x8bwhatever", authorization="")

    assert (answer.status_code, answer.json()) == (200, _OK)
    assert await door.touchpoints() == []
    assert await door.rejections() == []


async def test_same_event_sent_again_has_one_id_though_it_was_sent_at_another_time(door: OpenDoor) -> None:
    for second in (1, 2):
        body = {**_envelope(door, _EVENT, _EVENT), "sent_at": f"2026-11-25T09:30:0{second}Z"}
        assert (await door.post("/batch/", body, authorization="")).status_code == 200

    assert {one.id for one in await door.touchpoints()} == {_UUID}
