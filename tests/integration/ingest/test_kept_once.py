"""Refused items are kept once however often they are sent, and none is lost for the id of another."""

from typing import Any

import httpx
import pytest

from tests.ingest_door import OpenDoor

_BAD = {"id": "a", "kind": "Bad Kind", "identity": {"user_id": "u"}}


async def _kept(door: OpenDoor) -> list[dict[str, Any]]:
    await door.keep()
    answer = await door.client.get("/v1/rejected", headers=_headers(door))
    listed: list[dict[str, Any]] = answer.json()["data"]
    return listed


async def _repair(door: OpenDoor, item_id: str, payload: dict[str, Any]) -> httpx.Response:
    answer = await door.client.patch(f"/v1/rejected/{item_id}", json={"payload": payload}, headers=_headers(door))
    assert answer.status_code == 200
    return await door.client.post(f"/v1/rejected/{item_id}/replay", headers=_headers(door))


def _headers(door: OpenDoor) -> dict[str, str]:
    return {"authorization": f"Bearer {door.keys.secret}"}


async def test_what_says_something_else_under_a_kept_id_is_kept_too(door: OpenDoor) -> None:
    other = {**_BAD, "identity": {"user_id": "v"}}
    await door.post("/v1/touchpoints", [_BAD, other])
    first = {one["id"] for one in await _kept(door)}
    await door.post("/v1/touchpoints", other)
    await door.post("/v1/touchpoints", {**other, "kind": 7})

    (another,) = {one["id"] for one in await _kept(door)} - first
    own, twin = sorted(first, key=len)
    taken = [await _repair(door, one, {**_BAD, "kind": "mended"}) for one in (own, twin)]

    assert own == "a"
    assert twin.startswith("a~")
    assert another.startswith("a~")
    assert [answer.json()["accepted"] for answer in taken] == [1, 1]
    assert {one.id for one in await door.touchpoints()} == {own, twin}


async def test_retry_is_no_other_item(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {**_BAD, "sent_at": "2026-01-01T00:00:00Z"})
    await door.post("/v1/touchpoints", {"sent_at": "2026-01-01T00:00:09Z", **_BAD})

    assert [one["id"] for one in await _kept(door)] == ["a"]


async def test_retry_of_what_was_repaired_since_is_no_other_item(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", _BAD)
    await _kept(door)
    await _repair(door, "a", {**_BAD, "kind": "mended"})
    await door.post("/v1/touchpoints", _BAD)

    assert [one["id"] for one in await _kept(door)] == ["a"]


@pytest.mark.parametrize(
    ("path", "first", "again"),
    [
        ("/v1/touchpoints", b'{"touchpoints":5,"sent_at":"1"}', b'{"touchpoints":5,"sent_at":"2"}'),
        ("/v1/touchpoints", b"not JSON", b"not JSON"),
        (
            "/com.snowplowanalytics.snowplow/tp2",
            b'{"schema":"iglu:other","data":[{"e":"pv","stm":"1"}]}',
            b'{"schema":"iglu:other","data":[{"e":"pv","stm":"2"}]}',
        ),
        ("/mp/collect", b'{"client_id":"c","events":{}}', b'{"client_id":"c","events":{}}'),
    ],
)
async def test_body_that_is_refused_whole_is_kept_once(door: OpenDoor, path: str, first: bytes, again: bytes) -> None:
    for body in (first, again):
        await door.post(f"{path}?api_secret={door.keys.write}" if "mp" in path else path, body)

    assert len(await _kept(door)) == 1


async def test_events_of_a_body_that_is_refused_whole_are_kept_once_each(door: OpenDoor) -> None:
    body = {"client_id": "c", "events": [{"name": "page_view"}, {"name": "page_view"}, *[{"name": "x"}] * 24]}
    for _ in range(2):
        await door.post(f"/mp/collect?api_secret={door.keys.write}&measurement_id=G-1", body)

    assert len(await _kept(door)) == 26


async def test_another_body_that_is_refused_whole_is_kept_too(door: OpenDoor) -> None:
    for body in (b'{"touchpoints":5}', b'{"touchpoints":6}'):
        await door.post("/v1/touchpoints", body)

    assert len(await _kept(door)) == 2


async def test_what_has_no_id_and_no_time_is_another_each_time_as_it_is_when_taken(door: OpenDoor) -> None:
    bad = {"kind": "Bad Kind", "identity": {"user_id": "u"}}
    for items in ([bad, bad], bad):
        await door.post("/v1/touchpoints", items)

    assert len(await _kept(door)) == 3
