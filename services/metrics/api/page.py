"""The page: own files and plotly.js from its installed package, all served from here and nowhere else."""

from typing import Final

from fastapi import APIRouter, Request, Response

from services.metrics.api.reach import reach_of
from shared.errors import NotFound
from shared.http.problems import responses

router: Final = APIRouter(tags=["page"])

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}


@router.get("/", include_in_schema=False)
async def index(request: Request) -> Response:
    """The page itself; it holds no data."""
    return _serve(request, "index.html")


@router.get("/dashboard/{name}", include_in_schema=False, responses=responses(NotFound))
async def asset(request: Request, name: str) -> Response:
    """A file the page refers to."""
    return _serve(request, name)


def _serve(request: Request, name: str) -> Response:
    found = reach_of(request).assets.get(name)
    if found is None:
        raise NotFound("the page has no such file")
    headers = {**_HEADERS, "etag": found.tag}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.compressed, headers={**headers, "content-encoding": "gzip"}, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)
