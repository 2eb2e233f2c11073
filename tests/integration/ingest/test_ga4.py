"""Google Analytics' Measurement Protocol on a real log."""

from typing import Any

import pytest

from services.ingest.api.ga4 import DEBUG, EXAMPLE, PATH
from tests.ingest_door import OpenDoor

_LOGIN: dict[str, Any] = {"client_id": "c1", "events": [{"name": "login", "params": {"event_id": "1"}}]}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_events_are_answered_204_without_a_body(door: OpenDoor, slash: str) -> None:
    path = f"{PATH}{slash}?measurement_id=G-1&api_secret={door.keys.write}"

    answer = await door.post(path, EXAMPLE, authorization="", origin="https://shop.example")

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert {one.kind for one in await door.touchpoints()} == {"lead_generated", "order_completed"}


async def test_secret_is_any_key_that_may_post_and_is_kept_nowhere(door: OpenDoor) -> None:
    secret, write = door.keys.secret, door.keys.write
    answers = [
        await door.post(f"{PATH}?api_secret={secret}", {**_LOGIN, "events": [{"name": "a"}]}, authorization=""),
        await door.post(f"{PATH}?firebase_app_id=x&api_secret={write}", {"events": [{"name": "a"}]}, authorization=""),
        await door.post(f"{PATH}?api_secret=wrong", _LOGIN, authorization=""),
        await door.post(PATH, _LOGIN, authorization=""),
    ]

    assert [answer.status_code for answer in answers] == [204, 204, 401, 401]
    (kept,) = await door.rejections()
    assert (kept.code, kept.protocol) == ("no_identity", "ga4")
    assert b"tw_" not in kept.payload
    assert b'"firebase_app_id":"x"' in kept.payload


@pytest.mark.parametrize("body", [b"", b"nonsense", {"client_id": "c1"}, {"client_id": "c1", "events": [{}]}])
async def test_bad_data_is_never_an_error(door: OpenDoor, body: Any) -> None:
    answer = await door.post(PATH, body)

    assert answer.status_code == 204
    assert len(await door.rejections()) == (1 if body else 0)


async def test_refused_event_is_taken_once_it_is_repaired(door: OpenDoor) -> None:
    await door.post(f"{PATH}?measurement_id=G-1", {"user_id": "u1", "events": [{"name": "???"}, {"name": "login"}]})
    await door.keep()
    (kept,) = await door.rejections()
    secret = {"authorization": f"Bearer {door.keys.secret}"}

    repaired = {"payload": {"user_id": "u1", "events": [{"name": "share"}]}}
    await door.client.patch(f"/v1/rejected/{kept.id}", json=repaired, headers=secret)
    replayed = await door.client.post(f"/v1/rejected/{kept.id}/replay", headers=secret)

    assert replayed.json() == {"accepted": 1, "refused": []}
    assert sorted(one.kind for one in await door.touchpoints()) == ["content_shared", "logged_in"]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_debug_says_what_is_wrong_and_keeps_nothing(door: OpenDoor, slash: str) -> None:
    good = await door.post(f"{DEBUG}{slash}?measurement_id=G-1&api_secret=x", EXAMPLE, authorization="")
    bad = await door.post(f"{DEBUG}{slash}?measurement_id=G-1", {"client_id": "c1", "events": []}, authorization="")

    assert (good.status_code, good.json()) == (200, {"validationMessages": []})
    assert [one["validationCode"] for one in bad.json()["validationMessages"]] == ["VALUE_REQUIRED"]
    assert await door.touchpoints() == []
    assert await door.rejections() == []
