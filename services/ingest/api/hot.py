"""The posting routes straight on the server, beside the FastAPI application, which costs several times as much.

The behaviour is that of the same routes mounted in FastAPI (``api.mounted``); a differential test holds them together.
"""

import time
from collections.abc import Mapping

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.api.exchange import (
    Answer,
    Call,
    Endpoint,
    answer_of,
    answered,
    check_size,
    headers_of,
    preflight,
)
from shared.errors import TooLarge
from shared.http.problems import http_problem, problem_of
from shared.instruments import HTTP_SECONDS, INGEST_TURNED_AWAY
from shared.telemetry import Telemetry


class _Gone(Exception):
    """The client hung up before its request was in."""


class HotRoutes:
    """An application that serves ``endpoints`` by exact path, with and without a final slash, and leaves all else."""

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[str, Endpoint], max_body_bytes: int, telemetry: Telemetry
    ) -> None:
        self._app = app
        self._routes = {path: (path, endpoint) for path, endpoint in endpoints.items()}
        self._routes |= {f"{path}/": route for path, route in self._routes.items()}
        self._max_body_bytes = max_body_bytes
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it here or there."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
        elif self._telemetry.tracer is None:
            await self._serve(*route, scope, receive, send)
        else:
            with self._telemetry.span(f"POST {route[0]}", SpanKind.SERVER):
                await self._serve(*route, scope, receive, send)

    async def _serve(self, path: str, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        call = Call(dict(scope["headers"]), scope["query_string"], b"")
        try:
            answer = await self._answer(endpoint, scope["method"], call, receive)
        except _Gone:
            return
        except Exception as error:
            await _send(send, call, answer_of(problem_of(error)))
            raise
        await _send(send, call, answer)
        labels = (scope["method"], path, str(answer.status))
        self._telemetry.observe(HTTP_SECONDS, time.perf_counter() - begun, labels)

    async def _answer(self, endpoint: Endpoint, method: str, call: Call, receive: Receive) -> Answer:
        if method != "POST":
            return preflight(call) if method == "OPTIONS" else answer_of(http_problem(405))
        try:
            call.body = await _read(receive, self._max_body_bytes)
        except TooLarge as error:
            self._telemetry.count(INGEST_TURNED_AWAY, 1, (error.code,))
            return answer_of(problem_of(error))
        return await answered(endpoint, call, self._telemetry)


async def _read(receive: Receive, max_bytes: int) -> bytes:
    """The whole body, in most cases one message."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        check_size(len(body), max_bytes)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        check_size(size, max_bytes)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def _send(send: Send, call: Call, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers_of(call, answer)})
    await send({"type": "http.response.body", "body": answer.body})
