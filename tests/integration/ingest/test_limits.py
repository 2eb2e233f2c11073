"""Rates of those who do not wait to be told: hooks, whose providers send again, and imports, which slow down."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.ingest_door import OpenDoor, open_door

_DAMAGED = b"\x1f\x8bdamaged, but nobody looks"
_OPENED = {"event": "opened", "email": "jane@example.com", "ts_epoch": 1714564800000}
_ROW = "Order Completed,p{}@example.com,2024-05-01T10:00:00Z\n"


@pytest.fixture
async def slow(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    async with open_door(database, admin_dsn, INGEST_RATE_KEY_ITEMS="1") as opened:
        yield opened


@pytest.fixture
async def brisk(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    more = {"INGEST_RATE_KEY_ITEMS": "100", "INGEST_RATE_BURST_SECONDS": "1"}
    async with open_door(database, admin_dsn, **more) as opened:
        yield opened


def _secret(door: OpenDoor) -> dict[str, str]:
    return {"authorization": f"Bearer {door.keys.secret}"}


async def _spent(door: OpenDoor, provider: str) -> str:
    """The path of a hook that has sent more than it may."""
    made = await door.client.post("/v1/hooks", json={"provider": provider}, headers=_secret(door))
    path: str = made.json()["path"]
    door.own.allowances.charge((await door.own.hooks.find(provider, path.rpartition("/")[2])).principal, 12)
    return path


async def test_a_hook_above_its_rate_is_told_when_to_come_again_before_its_body_is_read(slow: OpenDoor) -> None:
    path = (await slow.client.post("/v1/hooks", json={"provider": "brevo"}, headers=_secret(slow))).json()["path"]

    taken = await slow.client.post(path, json=[_OPENED] * 13)
    refused = await slow.client.post(path, content=_DAMAGED, headers={"content-encoding": "gzip"})
    hello = await slow.client.get(path)

    assert (taken.status_code, taken.json()["accepted"]) == (200, 13)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 3 <= int(refused.headers["retry-after"]) <= 5
    assert hello.status_code == 200
    assert b'tragt_ingest_turned_away_total{reason="rate_limited"} 1.0' in slow.own.telemetry.expose()


async def test_a_provider_that_gives_up_on_4xx_is_told_so_by_503(slow: OpenDoor) -> None:
    refused = await slow.client.post(await _spent(slow, "google_ads"), content=_DAMAGED)

    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)


async def test_a_provider_that_never_sends_again_is_taken_unless_much_waits(slow: OpenDoor) -> None:
    path = await _spent(slow, "activecampaign")
    body = {"type": "open", "date_time": "2024-05-01T10:00:00Z", "contact[email]": "jane@example.com"}

    taken = await slow.client.post(path, data=body)
    slow.own.allowances.hold(str(slow.keys.workspace.id), 1_000_000_000)
    refused = await slow.client.post(path, data=body)

    assert (taken.status_code, taken.json()["accepted"]) == (200, 1)
    assert refused.status_code == 503


async def test_an_import_slows_down_and_leaves_half_of_the_allowance_to_others(brisk: OpenDoor) -> None:
    rows = "kind,email,occurred_at\n" + "".join(_ROW.format(at) for at in range(150))
    statuses = []

    async def live() -> None:
        while True:
            visit = {"kind": "page_viewed", "identity": {"anonymous_id": "a"}}
            statuses.append((await brisk.post("/v1/touchpoints", visit, **_secret(brisk))).status_code)
            await asyncio.sleep(0.05)

    sending, begun = asyncio.create_task(live()), time.monotonic()
    told = await brisk.client.post("/v1/imports?format=csv", content=rows.encode(), headers=_secret(brisk))
    seconds = time.monotonic() - begun
    sending.cancel()

    assert (told.status_code, told.json()["accepted"]) == (200, 150)
    assert seconds > 0.8
    assert (len(statuses) > 8, set(statuses)) == (True, {200})


async def test_an_import_waits_while_much_waits_for_the_log(brisk: OpenDoor) -> None:
    rows = "kind,email,occurred_at\n" + _ROW.format(1)
    brisk.own.allowances.hold("another", 1_000_000_000)

    async def send() -> httpx.Response:
        return await brisk.client.post("/v1/imports?format=csv", content=rows.encode(), headers=_secret(brisk))

    sending = asyncio.create_task(send())
    done, _ = await asyncio.wait({sending}, timeout=0.5)
    brisk.own.allowances.release("another", 1_000_000_000)

    assert not done
    assert (await sending).json()["accepted"] == 1
