"""Being told that cells have changed: memory is marked, and whoever waits to show new totals is woken."""

import asyncio
from typing import Final
from uuid import UUID

from services.metrics.handlers.cubes import Cubes
from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import is_transient

CHANGED: Final = "tragt_metrics"
"""The channel that ``store.changes`` tells on."""

_RETRY_SECONDS: Final = 1.0
_PROBE_SECONDS: Final = 5.0


class Notices:
    """Listens on one connection of its own. While it cannot, every question asks the database."""

    def __init__(self, dsn: str, cubes: Cubes) -> None:
        self._dsn = dsn
        self._cubes = cubes
        self._waiting: dict[UUID, asyncio.Event] = {}

    async def run(self) -> None:
        """Listen until cancelled; an outage is waited out."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_transient(error):
                    raise
            finally:
                self._cubes.is_told = False
                self._wake(None)
            await asyncio.sleep(_RETRY_SECONDS)

    def next_change(self, workspace: UUID) -> asyncio.Event:
        """Set at the next change of the workspace's cells after this call, or when changes can no longer be told."""
        return self._waiting.setdefault(workspace, asyncio.Event())

    async def _listen(self) -> None:
        connection = await connect(self._dsn, Role.METRICS_READER)
        try:
            await connection.add_listener(CHANGED, self._on_notice)
            self._cubes.changed(None)
            self._cubes.is_told = True
            while not connection.is_closed():
                await asyncio.sleep(_PROBE_SECONDS)
                await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()

    def _on_notice(self, _connection: object, _process: int, _channel: str, payload: object) -> None:
        workspace = UUID(str(payload))
        self._cubes.changed(workspace)
        self._wake(workspace)

    def _wake(self, workspace: UUID | None) -> None:
        """Wake those who wait now; later ones wait for the next change."""
        chosen = list(self._waiting) if workspace is None else [workspace]
        for one in chosen:
            event = self._waiting.pop(one, None)
            if event is not None:
                event.set()
