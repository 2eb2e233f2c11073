"""Takes in what somebody did on their way elsewhere, who is not kept waiting for the log."""

import asyncio
from typing import Final

import structlog

from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.parcel import Parcel
from shared.access import Principal
from shared.errors import TragtError
from shared.instruments import INGEST_LOST
from shared.telemetry import Telemetry

PATIENCE_SECONDS: Final = 1.0
_MAX_WAITING: Final = 1_000


class Recording:
    """Hands parcels to the door and waits for it, but not long; what the log does not take in the end is counted."""

    def __init__(self, door: Door, telemetry: Telemetry, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._door = door
        self._telemetry = telemetry
        self._patience_seconds = patience_seconds
        self._log = structlog.get_logger("links")
        self._waiting: set[asyncio.Task[Receipt]] = set()

    async def record(self, principal: Principal, parcel: Parcel, route: str) -> None:
        """Return once it is durable, at the latest after the patience; the door goes on trying within its deadline."""
        if len(self._waiting) >= _MAX_WAITING:
            self._lose(route, "too many wait for the log already")
            return
        task = asyncio.create_task(self._door.accept(principal, parcel), name=route)
        self._waiting.add(task)
        task.add_done_callback(self._end)
        await asyncio.wait({task}, timeout=self._patience_seconds)

    def _end(self, task: "asyncio.Task[Receipt]") -> None:
        self._waiting.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or isinstance(error, TragtError):
            self._lose(task.get_name(), str(error or "the service ended"))
        elif error is not None:  # a fault of ours; nobody awaits the task, so it is told here
            self._log.error("links.failed", route=task.get_name(), exc_info=error)

    def _lose(self, route: str, reason: str) -> None:
        self._telemetry.count(INGEST_LOST, 1, (route,))
        self._log.warning("links.lost", route=route, reason=reason)
