"""Answers with a tag of their content, so that a caller who holds it already is told just that."""

from hashlib import blake2b
from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel

_TAG_BYTES: Final = 12


def answer(request: Request, body: BaseModel, status: int = 200) -> Response:
    """The body as JSON with its ``ETag``; 304 without it when ``If-None-Match`` names that tag."""
    content = body.model_dump_json().encode()
    tag = f'"{blake2b(content, digest_size=_TAG_BYTES).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "authorization"}
    if _holds(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers, "application/json")


def example(value: Any, description: str = "OK") -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses=`` of a route that answers like this."""
    return {
        200: {"description": description, "content": {"application/json": {"example": value}}},
        304: {"description": "What `If-None-Match` names is still so."},
    }


def _holds(wanted: str, tag: str) -> bool:
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in wanted.split(","))
