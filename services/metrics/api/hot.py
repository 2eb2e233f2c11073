"""The funnel straight on the server, beside the FastAPI application, whose routing costs a third of the answer.

The behaviour is that of the same route in the application, from the same functions; a differential test holds them
together.
"""

import time
from typing import Final

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.metrics.api.funnels import answered
from services.metrics.api.parameters import KNOWN, question_of
from services.metrics.api.session import viewer_of
from shared.errors import TragtError
from shared.http.parameters import refuse_unknown
from shared.http.problems import problem_of, respond
from shared.instruments import HTTP_SECONDS
from shared.telemetry import Telemetry

PATH: Final = "/v1/funnel"


class HotFunnel:
    """An application that serves the funnel itself and leaves all else, and what is traced, to ``app``."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it here or there."""
        is_ours = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET"
        if not is_ours or self._telemetry.tracer is not None:
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request = Request(scope, receive, send)
        try:
            response = await _answer(request)
        except TragtError as error:
            response = respond(problem_of(error))
        except Exception as error:
            await respond(problem_of(error))(scope, receive, send)
            raise
        await response(scope, receive, send)
        labels = ("GET", PATH, str(response.status_code))
        self._telemetry.observe(HTTP_SECONDS, time.perf_counter() - begun, labels)


async def _answer(request: Request) -> Response:
    refuse_unknown(request.query_params, KNOWN)
    workspace = await viewer_of(request)
    return await answered(request, workspace, await question_of(request))
