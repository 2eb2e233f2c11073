"""Live is progress; ready names what is missing."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from shared.clock import SECOND, ManualClock
from shared.errors import Unavailable
from shared.http.app import create_app
from shared.http.health import Health
from shared.telemetry import Telemetry


def _client(health: Health) -> httpx.AsyncClient:
    app = create_app(
        title="t", version="1", description="d", routers=[], resources={}, checks=health, telemetry=Telemetry()
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


async def _pass() -> None:
    return


async def _fail() -> None:
    raise Unavailable("the log is away")


async def _hang() -> None:
    await asyncio.Event().wait()


async def test_process_is_live_while_its_loops_beat(clock: ManualClock) -> None:
    health = Health(clock)
    heart = health.heartbeat("worker", 10)

    async with _client(health) as client:
        clock.advance(10 * SECOND)
        in_time = await client.get("/health/live")
        clock.advance(1)
        late = await client.get("/health/live")
        heart.beat()
        again = await client.get("/health/live")

    assert (in_time.status_code, late.status_code, again.status_code) == (200, 503, 200)
    assert late.json()["reasons"][0]["part"] == "worker"
    assert in_time.json() == {"status": "live", "reasons": []}


@pytest.mark.parametrize(("check", "reason"), [(_fail, "the log is away"), (_hang, "no answer within 2 s")])
async def test_process_is_ready_only_when_every_check_passes(
    clock: ManualClock, check: Callable[[], object], reason: str
) -> None:
    health = Health(clock)
    health.require("keys", _pass)

    async with _client(health) as client:
        before = await client.get("/health/ready")
        health.require("log", check)  # type: ignore[arg-type]
        after = await client.get("/health/ready")
        live = await client.get("/health/live")

    assert before.json() == {"status": "ready", "reasons": []}
    assert (after.status_code, after.json()["reasons"]) == (503, [{"part": "log", "reason": reason}])
    assert live.status_code == 200


async def test_stuck_process_is_not_ready_either(clock: ManualClock) -> None:
    health = Health(clock)
    health.heartbeat("worker", 1)
    clock.advance(2 * SECOND)

    async with _client(health) as client:
        assert (await client.get("/health/ready")).status_code == 503
