"""Serving an application: uvicorn inside the guard, ending when told to rather than by its own signal handlers."""

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from shared.errors import Misconfigured
from shared.http.guard import Guard

_KEEP_ALIVE_SECONDS: Final = 75
_DRAIN_SECONDS: Final = 4
_STOP_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int


async def serve(app: ASGIApp, address: Address, guard: Guard, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set, then finish running requests within 4 s and return.

    Raises Misconfigured when the address cannot be listened on.
    """
    server = _Server(_configuration(app, address, guard))
    async with asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(_end_on(stop, server))
        try:
            await server.serve()
        except SystemExit as error:  # uvicorn's way to say that it could not start
            raise Misconfigured(f"cannot listen on {address.host}:{address.port}, or starting failed") from error
        finally:
            watcher.cancel()


async def _end_on(stop: asyncio.Event, server: "uvicorn.Server") -> None:
    await stop.wait()
    server.should_exit = True


def _configuration(app: ASGIApp, address: Address, guard: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=address.host,
        port=address.port,
        http=guard.protocol,  # type: ignore[arg-type]  # uvicorn calls it like the class it documents
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: one process may run more than a server, and one place ends it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield
