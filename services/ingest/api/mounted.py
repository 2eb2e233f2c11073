"""The posting routes as FastAPI shows and, where nothing is in front of it, serves them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest import schemas
from services.ingest.api import examples, touchpoints
from services.ingest.api.exchange import Answer, Call, Endpoint, answered, headers_of, preflight
from shared.errors import Forbidden, InvalidRequest, TooLarge, Unauthenticated, Unavailable, UnsupportedEncoding
from shared.http.problems import responses
from shared.telemetry import Telemetry

_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, TooLarge, UnsupportedEncoding, Unavailable)
_Route = Callable[[Request], Awaitable[Response]]


def router(endpoints: Mapping[str, Endpoint], telemetry: Telemetry) -> APIRouter:
    """Every posting route, with and without a final slash; OpenAPI shows those without and no one-letter ones."""
    routes = APIRouter()
    for path, endpoint in endpoints.items():
        is_native = path == touchpoints.PATH
        route = _posting(endpoint, telemetry)
        for spelling in (path, f"{path}/"):
            routes.add_api_route(
                spelling,
                route,
                methods=["POST"],
                tags=["touchpoints" if is_native else "segment"],
                summary="Post touchpoints" if is_native else f"Segment: {path.rpartition('/')[2]}",
                description=_DESCRIPTION if is_native else _SEGMENT_DESCRIPTION,
                include_in_schema=spelling == path and len(path) > len("/v1/x"),
                responses=_ERRORS,
                response_class=Response,
                openapi_extra=_documented(path, is_native=is_native),
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
    return Call(dict(request.scope["headers"]), request.scope["query_string"], body)


def _response(call: Call, answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = headers_of(call, answer)
    return response


_DESCRIPTION: Final = (
    "A list, one bare touchpoint, or one a line; up to 1,000 items and 1 MiB, decompressed too (gzip, zstd). "
    "200 means: durable. Each item stands for itself: `rejected` names those that were refused, which are kept."
)
_SEGMENT_DESCRIPTION: Final = "As Segment's HTTP API: exactly 200 once durable, 400 when the body is no such request."


def _documented(path: str, *, is_native: bool) -> dict[str, Any]:
    if not is_native:
        example = examples.SEGMENT_CALLS.get(path.rpartition("/")[2], examples.SEGMENT_BATCH)
        return _body({"type": "object"}, {"a call": {"value": example}})
    return {
        **_body(schemas.Touchpoints.model_json_schema(), examples.NATIVE),
        "responses": {
            "200": {
                "description": "What is durable now.",
                "content": {
                    "application/json": {
                        "schema": schemas.Receipt.model_json_schema(),
                        "example": {"accepted": 2, "rejected": []},
                    }
                },
            }
        },
    }


def _body(schema: dict[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": shown}}}}
