"""Times every request by route template, and traces it when traces are configured. Plain ASGI: nothing is buffered."""

import time
from typing import Any

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.instruments import HTTP_SECONDS
from shared.telemetry import Telemetry


class Observation:
    """Middleware around an application."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; only look at the status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        begun = time.perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._telemetry.span(f"{scope['method']} {scope['path']}", SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, note_status)
            finally:
                route = _template(scope.get("route"))
                labels = (scope["method"], route, str(status))
                self._telemetry.observe(HTTP_SECONDS, time.perf_counter() - begun, labels)
                if span is not None:
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.response.status_code", status)


def _template(route: Any) -> str:
    """The route's path with its placeholders: addresses made of ids would make a label without end."""
    return str(getattr(route, "path", "unknown"))
