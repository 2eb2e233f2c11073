"""What browsers fetch instead of posting: documents that tell an SDK what to do, and calls in an address."""

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.api.exchange import Answer, Call, Endpoint, answered, headers_of, preflight
from services.ingest.api.gate import Gate
from services.ingest.api.sender import sender_of
from services.ingest.handlers.accepting import Door
from services.ingest.protocols.parcel import Parcel
from shared.errors import TragtError
from shared.telemetry import Telemetry

GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent point, 43 bytes."""

IMAGE: Final = Answer(200, GIF, [(b"content-type", b"image/gif"), (b"cache-control", b"no-store")])

Fetch = Callable[[Request], Awaitable[Answer]]
"""A route that is fetched: answers, or raises an error of ours."""

_NAMES: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Fetches:
    """The fetched routes of a protocol by path, without a final slash. OpenAPI shows those of them in ``shown``."""

    tag: str
    endpoints: Mapping[str, Fetch]
    shown: frozenset[str] = frozenset()
    answers_head: bool = False


def router(fetches: Fetches, telemetry: Telemetry) -> APIRouter:
    """Each route with and without a final slash, readable from every site, errors too."""
    routes = APIRouter(tags=[fetches.tag])
    for path, fetch in fetches.endpoints.items():
        answers = documented.answers_of_fetching(path)
        for spelling in (path, f"{path}/"):
            routes.add_api_route(
                spelling,
                _serving(fetch, telemetry),
                methods=["GET"],
                summary=(fetch.__doc__ or "").partition(".")[0],
                include_in_schema=spelling in fetches.shown,
                status_code=documented.success_of(answers),
                responses=answers,
                response_class=Response,
                openapi_extra={"parameters": [_in_path(name) for name in _NAMES.findall(path)]},
            )
            if fetches.answers_head:
                routes.add_api_route(spelling, _serving(fetch, telemetry), methods=["HEAD"], include_in_schema=False)
            routes.add_api_route(spelling, _preflight, methods=["OPTIONS"], include_in_schema=False)
    return routes


def fetched(endpoint: Endpoint) -> Fetch:
    """A posting route that may be fetched as well, with all that it needs in the query."""

    async def fetch(request: Request) -> Answer:
        """The same in a query."""
        return await endpoint(call_of(request))

    return fetch


async def pixel(door: Door, gate: Gate, call: Call, parcel: Parcel) -> Answer:
    """Take a call in an image's address. Always the image: a mail reader can do nothing with an error."""
    with contextlib.suppress(TragtError):
        principal = gate.admit(call, parcel.write_key)
        await door.accept(principal, parcel, sender_of(call))
    return IMAGE


def call_of(request: Request) -> Call:
    """The request as a call without a body."""
    return Call.of(request.scope)


def _serving(fetch: Fetch, telemetry: Telemetry) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        call = call_of(request)

        async def endpoint(_call: Call) -> Answer:
            return await fetch(request)

        return _response(call, await answered(endpoint, call, telemetry))

    return serve


async def _preflight(request: Request) -> Response:
    call = call_of(request)
    return _response(call, preflight(call))


def _response(call: Call, answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers = headers_of(call, answer)
    return response


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
