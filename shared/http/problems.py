"""Errors as RFC 9457 problems. One table says which error is which status; nothing here ever echoes the request.

The body also carries ``code``, ``message`` and ``detail`` because SDKs of other systems read those.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from shared.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    Oversized,
    RateLimited,
    TooLarge,
    TragtError,
    Transient,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from shared.errors import FieldFault as FieldFault  # noqa: PLC0414 -- routes import it from here

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_SECONDS: Final = 1

STATUS_BY_ERROR: Final[Mapping[type[TragtError], int]] = {
    InvalidRequest: 422,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    Oversized: 413,
    UnsupportedEncoding: 415,
    RateLimited: 429,
    Unavailable: 503,
    Transient: 503,
}
"""The one table. An error that is not here, nor below one that is, is our bug: 500."""

_ADVICE: Final = {
    404: "there is no such path here: /docs lists those there are (touchpoints go to ingest, :7101; leads are asked of"
    " scoring, :7102; the funnel of metrics, :7103)",
}

_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

_SCHEMA: Final[Mapping[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "message", "errors"],
    "properties": {
        "type": {"type": "string", "description": "urn:tragt:problem: and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do next."},
        "code": {"type": "string"},
        "message": {"type": "string", "description": "The detail again, where SDKs of others look for it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}

_FAULT_CODES: Final = {"missing": "missing", "extra_forbidden": "unknown_field"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as a caller sees it: status, stable code, what to do next, and the fields that are wrong."""

    status: int
    code: str
    detail: str
    faults: tuple[FieldFault, ...] = ()
    more: Mapping[str, Any] | None = None
    retry_after_seconds: int | None = None

    def body(self) -> bytes:
        """The JSON document."""
        return _written(
            {
                "type": f"urn:tragt:problem:{self.code}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
                "message": self.detail,
                "errors": [
                    {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in self.faults
                ],
                **(self.more or {}),
            }
        )

    def headers(self) -> dict[str, str]:
        """Headers that belong to it: media type, when to come again, how to present a key."""
        headers = {"content-type": MEDIA_TYPE}
        if self.retry_after_seconds is not None:
            headers["retry-after"] = str(self.retry_after_seconds)
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Bearer realm="tragt"'
        return headers


def _written(document: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:  # a name out of the request is told, and half of a surrogate pair is in it
        return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def problem_of(error: BaseException) -> Problem:
    """The problem of an error of ours; anything else is a 500 that tells nothing."""
    for ancestor in type(error).__mro__:
        status = STATUS_BY_ERROR.get(ancestor)
        if status is not None and isinstance(error, TragtError):
            return Problem(
                status=status,
                code=error.code,
                detail=str(error),
                faults=error.faults if isinstance(error, InvalidRequest) else (),
                retry_after_seconds=_retry_after(error, status),
            )
    return Problem(status=500, code="internal", detail="An unexpected fault of ours; it is in the log.")


def _retry_after(error: TragtError, status: int) -> int | None:
    if isinstance(error, RateLimited):
        return error.retry_after_seconds
    return _RETRY_AFTER_SECONDS if status == HTTPStatus.SERVICE_UNAVAILABLE else None


def http_problem(status: int, detail: str | None = None) -> Problem:
    """The problem of a plain HTTP status, such as 405."""
    known = HTTPStatus(status)
    told = detail or _ADVICE.get(status) or known.description or known.phrase
    return Problem(status=status, code=known.name.lower(), detail=told)


def responses(*errors: type[TragtError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses=`` of a route that may answer with these errors."""
    return described(*(problem_of(error()) for error in errors))


def described(*problems: Problem) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses=`` of a route that may answer with these problems."""
    return {
        problem.status: {
            "description": problem.detail,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": msgspec.json.decode(problem.body())}},
        }
        for problem in problems
    }


def install(app: FastAPI) -> None:
    """Make the app answer every error as a problem."""
    app.add_exception_handler(TragtError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _answer_ours)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    return Response(problem.body(), problem.status, headers={**problem.headers(), **(headers or {})})


def _answer_ours(_request: Request, error: Exception) -> Response:
    return respond(problem_of(error))


def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return respond(problem_of(error))
    if isinstance(error.__cause__, UnicodeDecodeError | RecursionError):  # FastAPI's answer to a body that is no JSON
        return respond(
            problem_of(InvalidRequest(FieldFault("", "not_json", "the body is JSON in UTF-8, not too deep")))
        )
    detail = None if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_allowed(request))
        headers = {**(headers or {}), "Allow": allowed}
        detail = f"this path takes {allowed}: /docs says what for"
    return respond(http_problem(error.status_code, detail), headers)


def _allowed(request: Request) -> list[str]:
    """The methods that the path of a request has, of all of its routes: Starlette names those of the first one only."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    scopes = [{**request.scope, "method": method} for method in _METHODS]
    return [scope["method"] for scope in scopes if any(route.matches(scope)[0] is Match.FULL for route in routes)]


def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client hung up before its body was in, which is no fault of ours to be logged; nobody hears this."""
    return respond(http_problem(HTTPStatus.BAD_REQUEST))


def _answer_invalid(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    if any(tuple(one["loc"]) == ("body",) for one in errors) and not _says_json(request):
        detail = "the body is JSON, so send the header Content-Type: application/json"
        return respond(problem_of(InvalidRequest(FieldFault("", "wrong_type", detail))))
    return respond(problem_of(InvalidRequest(*_faults_of(errors))))


def _says_json(request: Request) -> bool:
    """Whether its header says that the body is JSON; FastAPI does not read it as such otherwise."""
    return "json" in request.headers.get("content-type", "").lower()


def _faults_of(errors: Iterable[Mapping[str, Any]]) -> tuple[FieldFault, ...]:
    """Pydantic's findings without their ``input``, which would send people's data back and into logs."""
    return tuple(
        FieldFault("", "not_json", f"this is not JSON: {error['ctx']['error']} (character {error['loc'][-1]})")
        if error["type"] == "json_invalid"
        else FieldFault(_pointer(error["loc"]), _fault_code(error["type"]), str(error["msg"]))
        for error in errors
    )


def _fault_code(found: str) -> str:
    if found.endswith(("_type", "_parsing")):
        return "wrong_type"
    return _FAULT_CODES.get(found, "invalid_value")


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer into the body; the bare name of a parameter."""
    if location and location[0] == "body":
        return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location[1:])
    return "/".join(str(part) for part in location[1:])
