"""Serving an application on a free port of this machine, inside the test's own loop, behind the guard."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from shared.http.guard import Guard
from shared.http.serve import Address, serve
from tests.waiting import eventually


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(app: ASGIApp, guard: Guard, port: int = 0) -> AsyncIterator[int]:
    """The port on which ``app`` is served, a free one unless it is said."""
    stop = asyncio.Event()
    port = port or free_port()
    task = asyncio.create_task(serve(app, Address("127.0.0.1", port), guard, stop))
    await eventually(lambda: _listens(port, task), within_seconds=10, what=f"port {port} is listened on")
    try:
        yield port
    finally:
        stop.set()
        await task


async def _listens(port: int, task: "asyncio.Task[None]") -> bool:
    if task.done():
        await task
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
