"""The protocol class of the fast door with bytes for a client: nothing it is sent makes it fail."""

import asyncio
from functools import cache
from typing import Any, Final

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from services.ingest.api.exchange import Answer, Call
from services.ingest.api.fast import FastLane
from services.ingest.api.intake import Intake
from shared.http.guard import Guard, GuardedProtocol, GuardLimits
from shared.telemetry import Telemetry

_TURNS: Final = 6
"""Of the loop after the last byte: an application's answer takes a few."""


class _Wire(asyncio.Transport):
    """A connection whose other end hears everything."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.said = bytearray()
        self._is_closing = False

    def write(self, data: Any) -> None:
        self.said += data

    def close(self) -> None:
        self._is_closing = True

    abort = close

    def is_closing(self) -> bool:
        return self._is_closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The other end hears no more."""

    def pause_reading(self) -> None:
        """All is sent already."""

    def resume_reading(self) -> None:
        """All is sent already."""


async def _application(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _endpoint(call: Call) -> Answer:
    return Answer(200, b"%d" % len(call.body))


@cache
def _parts() -> tuple[Guard, Config]:
    telemetry = Telemetry()
    lane = FastLane({b"/v1/touchpoints": ("/v1/touchpoints", _endpoint)}, Intake(4096, 1 << 20), telemetry)
    guard = Guard(GuardLimits(max_body_bytes=4096), kind=lane.connection)
    config = Config(_application, log_config=None)
    config.load()
    return guard, config


def serve_bytes(loop: asyncio.AbstractEventLoop, size: bytes, data: bytes) -> None:
    """Feed the bytes in pieces of that size (none: at once) and hear the answers out. Raises what the loop hears of."""
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    loop.run_until_complete(_serve(data, int(size) if size.isdigit() and len(size) < 5 else 0))
    if faults:
        raise faults[0].get("exception") or AssertionError(faults[0]["message"])


async def _serve(data: bytes, size: int) -> None:
    guard, config = _parts()
    wire = _Wire()
    connection: GuardedProtocol = guard.protocol(config, ServerState(), {})
    connection.connection_made(wire)
    step = max(size, len(data) // 500) or len(data) or 1
    for at in range(0, len(data), step):
        if not wire.is_closing():
            connection.data_received(data[at : at + step])
            await asyncio.sleep(0)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    if connection.timeout_keep_alive_task is not None:
        connection.timeout_keep_alive_task.cancel()
    assert not wire.said or wire.said.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 500" not in wire.said
