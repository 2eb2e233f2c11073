"""Word of newly numbered changes: one listening connection per process, any number of waiting requests."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from shared.database.connection import Connection
from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import translated
from shared.errors import Transient
from shared.streaming.backoff import Backoff
from shared.streaming.relay import NOTIFY_STAMPED

_PROBE_SECONDS: Final = 10.0
"""A connection that is dead without having ended is noticed within this time."""


class Announcements:
    """Tells whoever waits that there may be new changes; also whenever it may have missed word of some."""

    def __init__(self, dsn: str, role: Role) -> None:
        self._dsn = dsn
        self._role = role
        self._news = asyncio.Event()
        self._lost = asyncio.Event()
        self.ended = False
        """The process ends: whoever waits or streams should come to an end too."""
        self.number = 0
        """How often there was news. Read it before looking, then wait for it to change."""

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set, over outages; then nobody waits any longer."""
        backoff = Backoff(random.random, asyncio.get_running_loop().time, float("inf"))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                with suppress(Transient):
                    await self._listen(stopping, backoff)
                if not stop.is_set():
                    await asyncio.wait({stopping}, timeout=backoff.failed())
        finally:
            stopping.cancel()
            self.ended = True
            self._tell()

    async def changed(self, number: int, timeout_seconds: float) -> bool:
        """Wait until there was news since ``number`` was read. False when it was not in time, or the process ends."""
        if not self.ended and self.number == number:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._news.wait()
        return not self.ended and self.number != number

    async def _listen(self, stopping: "asyncio.Task[bool]", backoff: Backoff) -> None:
        with translated():
            connection = await connect(self._dsn, self._role)
        try:
            self._lost.clear()
            connection.add_termination_listener(self._on_end)
            with translated():
                await connection.add_listener(NOTIFY_STAMPED, self._on_notify)
            self._tell()
            backoff.succeeded()
            await self._hold(connection, stopping)
        finally:
            connection.terminate()

    async def _hold(self, connection: Connection, stopping: "asyncio.Task[bool]") -> None:
        losing = asyncio.create_task(self._lost.wait())
        try:
            while not stopping.done() and not losing.done():
                await asyncio.wait({stopping, losing}, timeout=_PROBE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not stopping.done() and not losing.done():
                    with translated():
                        await connection.execute("SELECT 1")
        finally:
            losing.cancel()

    def _tell(self) -> None:
        self.number += 1
        self._news.set()
        self._news = asyncio.Event()

    def _on_notify(self, *_args: object) -> None:
        self._tell()

    def _on_end(self, _connection: object) -> None:
        self._lost.set()
