"""Traces reach a collector when one is configured: one span per request, named by its route."""

import asyncio
from typing import Any

import httpx

from services.ingest.api.exchange import Answer, Call
from services.ingest.api.hot import HotRoutes
from services.ingest.api.intake import Intake
from shared.clock import ManualClock
from shared.http.app import create_app
from shared.http.guard import Guard, GuardLimits
from shared.http.health import Health
from shared.telemetry import Telemetry, tracing
from tests.served import served


class _Collector:
    """Takes what an exporter posts."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.posted.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def _endpoint(_call: Call) -> Answer:
    return Answer(200, b"{}")


async def _serve_traced(port: int) -> None:
    """Two requests, one on a hot route and one on another, and the flush at the end."""
    with tracing("ingest", f"http://127.0.0.1:{port}") as tracer:
        telemetry = Telemetry(tracer)
        app = create_app(
            title="t",
            version="1",
            description="d",
            routers=[],
            resources={},
            checks=Health(ManualClock(0)),
            telemetry=telemetry,
        )
        hot = HotRoutes(app, {"/v1/hot": _endpoint}, Intake(1_000, 10_000), telemetry)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hot), base_url="http://t") as client:
            await client.post("/v1/hot", content=b"{}")
            await client.get("/health/live")


async def test_every_request_is_a_span_at_the_collector() -> None:
    collector = _Collector()
    async with served(collector, Guard(GuardLimits())) as port:
        await asyncio.to_thread(asyncio.run, _serve_traced(port))

    paths, bodies = {path for path, _ in collector.posted}, b"".join(body for _, body in collector.posted)
    assert paths == {"/v1/traces"}
    assert b"POST /v1/hot" in bodies
    assert b"GET /health/live" in bodies
    assert b"tragt.ingest" in bodies
