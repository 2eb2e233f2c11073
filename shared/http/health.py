"""Liveness is progress, not "the process is there"; readiness names what is missing.

Each loop of a process beats; one that has not done so for its deadline makes the process not live, so that whoever
supervises it restarts it. Readiness asks named checks, each bounded in time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from shared.clock import SECOND, Clock
from shared.errors import TragtError

Check = Callable[[], Awaitable[None]]
"""Returns when all is well; raises an error of ours, whose message is the reason, when it is not."""

_CHECK_TIMEOUT_SECONDS: Final = 2.0
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_EXPOSED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "One line a number", "content": {_PROMETHEUS: {"schema": {"type": "string"}}}}
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A part that is not as it should be, and why."""

    part: str
    reason: str


class Heartbeat:
    """Told by one loop that it goes on; silent for longer than its deadline, the process counts as stuck."""

    def __init__(self, part: str, deadline_seconds: float, clock: Clock) -> None:
        self.part = part
        self._deadline = int(deadline_seconds * SECOND)
        self._clock = clock
        self._last = clock.now()

    def beat(self) -> None:
        """The loop has made a round."""
        self._last = self._clock.now()

    def finding(self) -> Finding | None:
        """None while in time."""
        silent = self._clock.now() - self._last
        if silent <= self._deadline:
            return None
        return Finding(self.part, f"no progress for {silent // SECOND} s, allowed are {self._deadline // SECOND} s")


class Health:
    """All heartbeats and readiness checks of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heartbeats: list[Heartbeat] = []
        self._checks: list[tuple[str, Check]] = []

    def heartbeat(self, part: str, deadline_seconds: float) -> Heartbeat:
        """A new heartbeat; the loop that owns it must beat within the deadline from now on."""
        heartbeat = Heartbeat(part, deadline_seconds, self._clock)
        self._heartbeats.append(heartbeat)
        return heartbeat

    def require(self, part: str, check: Check) -> None:
        """Ready only when this check passes."""
        self._checks.append((part, check))

    def stuck(self) -> list[Finding]:
        """Loops that make no progress."""
        return [finding for beat in self._heartbeats if (finding := beat.finding())]

    async def missing(self) -> list[Finding]:
        """Checks that do not pass now, asked side by side."""
        answers = await asyncio.gather(*(_ask(part, check) for part, check in self._checks))
        return [answer for answer in answers if answer]


def router(health: Health, expose: Callable[[], bytes]) -> APIRouter:
    """``/health/live``, ``/health/ready`` and ``/telemetry``."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health/live", summary="Is it making progress?", responses={503: {"description": "Stuck; restart"}})
    async def live() -> Response:
        return _answer("live", health.stuck())

    @routes.get("/health/ready", summary="Can it serve?", responses={503: {"description": "Not now; reasons named"}})
    async def ready() -> Response:
        return _answer("ready", health.stuck() + await health.missing())

    @routes.get(
        "/telemetry", summary="Operational numbers in Prometheus text", responses=_EXPOSED, response_class=Response
    )
    async def telemetry() -> Response:
        return Response(expose(), media_type=_PROMETHEUS)

    return routes


async def _ask(part: str, check: Check) -> Finding | None:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_SECONDS):
            await check()
    except TimeoutError:
        return Finding(part, f"no answer within {_CHECK_TIMEOUT_SECONDS:g} s")
    except TragtError as error:
        return Finding(part, str(error))
    return None


def _answer(word: str, findings: list[Finding]) -> Response:
    content: dict[str, Any] = {
        "status": f"not {word}" if findings else word,
        "reasons": [{"part": finding.part, "reason": finding.reason} for finding in findings],
    }
    return Response(msgspec.json.encode(content), 503 if findings else 200, media_type="application/json")
