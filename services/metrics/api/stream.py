"""``/v1/stream``: live totals as Server-Sent Events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from services.metrics.api.answers import totals_of
from services.metrics.api.examples import TOTALS
from services.metrics.api.parameters import DOCUMENTED, Asked
from services.metrics.api.reach import Reach, reach_of
from services.metrics.api.session import Viewer
from services.metrics.domain.question import Question
from shared.errors import Forbidden, InvalidRequest, Transient, Unauthenticated
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1", tags=["funnel"], responses=responses(Unauthenticated, Forbidden, InvalidRequest)
)

_PACE_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 15.0
_EXAMPLE: Final = f"event: totals\ndata: {msgspec.json.encode(TOTALS).decode()}\n\n"


@router.get(
    "/stream",
    responses={200: {"content": {"text/event-stream": {"example": _EXAMPLE}}}},
    openapi_extra=DOCUMENTED,
)
async def stream_totals(request: Request, workspace: Viewer, question: Asked) -> StreamingResponse:
    """An event `totals` at once and after every change, at most four a second; a comment when nothing has changed."""
    reach = reach_of(request)
    events = _events(reach, workspace, question)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(reach: Reach, workspace: UUID, question: Question) -> AsyncIterator[bytes]:
    told, quiet = b"", 0.0
    yield b"retry: 2000\n\n"
    while not reach.stop.is_set():
        change = reach.notices.next_change(workspace)
        with suppress(Transient):
            totals = totals_of(await reach.funnels.ask(workspace, question))
            content = msgspec.json.encode(msgspec.structs.replace(totals, as_of=""))
            if content != told:
                told, quiet = content, 0.0
                yield b"event: totals\ndata: " + msgspec.json.encode(totals) + b"\n\n"
        await asyncio.sleep(_PACE_SECONDS)
        quiet += await _wait(change, reach.stop)
        if quiet >= _QUIET_SECONDS:
            quiet = 0.0
            yield b": nothing new\n\n"


async def _wait(change: asyncio.Event, stop: asyncio.Event) -> float:
    """Wait for a change, or until the stream should look whether it may end; returns the seconds spent without one."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not change.is_set() and not stop.is_set() and loop.time() - began < _QUIET_SECONDS:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await change.wait()
    return _PACE_SECONDS + loop.time() - began
