"""The posting routes straight on the server, beside the FastAPI application, which costs several times as much.

The behaviour is that of the same routes mounted in FastAPI (``api.mounted``); a differential test holds them together.
"""

import time
from collections.abc import Mapping
from typing import Final

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.api.exchange import (
    Answer,
    Call,
    Endpoint,
    answer_of,
    answered,
    headers_of,
    preflight,
    turned_away,
)
from services.ingest.api.intake import ClientGone, Intake
from shared.errors import TragtError
from shared.http.problems import problem_of
from shared.instruments import HTTP_SECONDS
from shared.telemetry import Telemetry

_POSTED: Final = frozenset({"POST", "OPTIONS"})


class HotRoutes:
    """An application that serves ``endpoints`` by exact path, with and without a final slash, and leaves all else."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint], intake: Intake, telemetry: Telemetry) -> None:
        self._app = app
        self.routes = {path: (path, endpoint) for path, endpoint in endpoints.items()}
        self.routes |= {f"{path}/": route for path, route in self.routes.items()}
        self.intake = intake
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it here or there."""
        is_posted = scope["type"] == "http" and scope["method"] in _POSTED
        route = self.routes.get(scope["path"]) if is_posted else None
        if route is None:
            await self._app(scope, receive, send)
        elif self._telemetry.tracer is None:
            await self._serve(*route, scope, receive, send)
        else:
            with self._telemetry.span(f"POST {route[0]}", SpanKind.SERVER):
                await self._serve(*route, scope, receive, send)

    async def _serve(self, path: str, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        call = Call.of(scope)
        try:
            answer = await self._answer(endpoint, scope["method"], call, receive)
        except ClientGone:
            return
        except Exception as error:
            await _send(send, call, answer_of(problem_of(error)))
            raise
        await _send(send, call, answer)
        labels = (scope["method"], path, str(answer.status))
        self._telemetry.observe(HTTP_SECONDS, time.perf_counter() - begun, labels)

    async def _answer(self, endpoint: Endpoint, method: str, call: Call, receive: Receive) -> Answer:
        if method == "OPTIONS":
            return preflight(call)
        try:
            call.body = await self.intake.read(receive)
        except TragtError as error:
            return turned_away(error, self._telemetry)
        size = len(call.body)
        try:
            return await answered(endpoint, call, self._telemetry)
        finally:
            self.intake.give_back(size)


async def _send(send: Send, call: Call, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers_of(call, answer)})
    await send({"type": "http.response.body", "body": answer.body})
