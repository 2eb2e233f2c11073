"""Limits at the real door: 429 with what to do, before anything is decoded, on the fast way and the ordinary one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from services.ingest.api import serving
from shared.clock import SystemClock
from shared.database.access import limit_key
from shared.database.session import writing
from shared.http.guard import Guard, GuardedProtocol, GuardLimits
from tests.ingest_door import OpenDoor
from tests.served import served

_VISIT = {"kind": "page_viewed", "identity": {"anonymous_id": "a"}}


@pytest.fixture(params=["fast", "ordinary"])
async def port(door: OpenDoor, request: pytest.FixtureRequest) -> AsyncIterator[int]:
    app = serving.application(door.own)
    kind = serving.fast_lane(door.own, app) if request.param == "fast" else None
    async with served(app, Guard(GuardLimits(), kind=kind)) as listening:
        yield listening


async def _slow_down(door: OpenDoor, rate: int) -> None:
    prefix = "_".join(door.keys.write.split("_")[:2])
    async with writing(door.own.writer) as session:
        assert await limit_key(session, prefix, SystemClock().now(), rate)
    await door.own.access.load()


async def _post(port: int, key: str, body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "origin": "https://shop.example"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        if isinstance(body, bytes):
            return await client.post("/v1/touchpoints", content=body, headers=headers)
        return await client.post("/v1/touchpoints", json=body, headers=headers)


async def test_a_key_that_is_too_fast_is_told_to_wait(door: OpenDoor, port: int) -> None:
    await _slow_down(door, 1)

    first = await _post(port, door.keys.write, [_VISIT] * 8)
    second = await _post(port, door.keys.write, [_VISIT] * 8)
    third = await _post(port, door.keys.write, b"\x1f\x8bdamaged, but nobody looks")

    assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
    assert "ratelimit" not in first.headers
    assert second.headers["ratelimit"].startswith('"key";r=2;t=')
    assert second.headers["ratelimit-policy"] == '"key";q=10;qu="items";w=10'
    assert (third.json()["code"], third.headers["ratelimit"][:9]) == ("rate_limited", '"key";r=0')
    assert 5 <= int(third.headers["retry-after"]) <= 7
    assert third.headers["access-control-expose-headers"] == "Retry-After, RateLimit, RateLimit-Policy"
    assert len(await door.touchpoints()) == 16
    assert b'tragt_ingest_turned_away_total{reason="rate_limited"} 1.0' in door.own.telemetry.expose()


async def test_links_are_no_way_around_a_rate(door: OpenDoor, port: int) -> None:
    await _slow_down(door, 1)
    link = {"k": door.keys.write, "anonymous_id": "a", "to": "https://shop.example/"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        clicked = [(await client.get("/v1/click", params={**link, "id": str(at)})).status_code for at in range(20)]
        opened = [(await client.get("/v1/pixel.gif", params={**link, "id": str(at)})).status_code for at in range(20)]
    refused = await _post(port, door.keys.write, _VISIT)

    assert (set(clicked), set(opened), refused.status_code) == ({302}, {200}, 429)
    assert 10 <= len(await door.touchpoints()) <= 12
    assert int(refused.headers["retry-after"]) <= 2


async def test_another_key_of_the_workspace_is_not_slowed(door: OpenDoor, port: int) -> None:
    await _slow_down(door, 1)
    await _post(port, door.keys.write, [_VISIT] * 20)

    assert (await _post(port, door.keys.write, _VISIT)).status_code == 429
    assert (await _post(port, door.keys.secret, _VISIT)).status_code == 200


async def test_a_workspace_that_waits_for_much_is_sent_away_before_decoding(door: OpenDoor, port: int) -> None:
    workspace = str(door.keys.workspace.id)
    door.own.allowances.hold(workspace, 1_000_000_000)

    refused = await _post(port, door.keys.write, b"\x1f\x8bdamaged, but nobody looks")
    door.own.allowances.release(workspace, 1_000_000_000)

    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "unavailable", "1")
    assert (await _post(port, door.keys.write, _VISIT)).status_code == 200


class _Wire(asyncio.Transport):
    """A connection from an address; what is written to it is kept."""

    def __init__(self, host: str) -> None:
        super().__init__({"peername": (host, 40_000)})
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to close."""


def _connect(guard: Guard, host: str) -> tuple[GuardedProtocol, _Wire]:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        """Never asked."""

    config = uvicorn.Config(cast("Any", app), lifespan="off", log_config=None)
    protocol, wire = guard.protocol(config, ServerState(), {}, asyncio.get_running_loop()), _Wire(host)
    protocol.connection_made(wire)
    return protocol, wire


async def test_an_address_has_so_many_connections_and_this_machine_any() -> None:
    guard = Guard(GuardLimits(max_address_connections=2))
    kept = [_connect(guard, "203.0.113.7") for _ in range(2)]

    _, third = _connect(guard, "203.0.113.7")
    assert third.written.startswith(b"HTTP/1.1 503 ")
    others = ["203.0.113.8", "127.0.0.1", "127.0.0.1", "127.0.0.1", "::1"]
    assert not any(_connect(guard, host)[1].written for host in others)

    kept[0][0].connection_lost(None)
    assert not _connect(guard, "203.0.113.7")[1].written
    assert guard.by_address["203.0.113.7"] == 2
    assert guard.refused == {"connections": 1}
