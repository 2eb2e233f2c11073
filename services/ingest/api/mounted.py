"""The posting routes as FastAPI shows and, where nothing is in front of it, serves them."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.api.exchange import Answer, Call, Endpoint, answered, headers_of, preflight
from services.ingest.api.posting import Surface
from shared.telemetry import Telemetry

_Route = Callable[[Request], Awaitable[Response]]


def router(surfaces: Iterable[Surface], telemetry: Telemetry) -> APIRouter:
    """Every posting route, with and without a final slash; OpenAPI shows those without that have an example."""
    routes = APIRouter()
    for surface in surfaces:
        for path, endpoint in surface.endpoints.items():
            example = surface.examples.get(path)
            route = _posting(endpoint, telemetry)
            answers = documented.answers_of_posting(surface.tag, path)
            for spelling in (path, f"{path}/"):
                routes.add_api_route(
                    spelling,
                    route,
                    methods=["POST"],
                    tags=[surface.tag],
                    summary=f"{surface.tag.capitalize()}: {path.rpartition('/')[2]}",
                    description=surface.description,
                    include_in_schema=example is not None and spelling == path,
                    status_code=documented.success_of(answers),
                    responses=answers,
                    response_class=Response,
                    openapi_extra=documented.body_of(surface.tag, path, example or {}),
                )
                routes.add_api_route(spelling, _preflight, methods=["OPTIONS"], include_in_schema=False)
    return routes


def _posting(endpoint: Endpoint, telemetry: Telemetry) -> _Route:
    async def post(request: Request) -> Response:
        call = _call(request, await request.body())
        return _response(call, await answered(endpoint, call, telemetry))

    return post


async def _preflight(request: Request) -> Response:
    call = _call(request, b"")
    return _response(call, preflight(call))


def _call(request: Request, body: bytes) -> Call:
    return Call.of(request.scope, body)


def _response(call: Call, answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = headers_of(call, answer)
    return response
