"""``GET /t.js``: tragt's own tracker, as small as ``make tracker`` made it."""

import gzip
import hashlib
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

_HEADERS: Final = {
    "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "accept-encoding",
}
_MEDIA_TYPE: Final = "text/javascript"


def router() -> APIRouter:
    """The one route. The same file for everybody: a page says in its own markup which key and host are its."""
    script = files("services.ingest").joinpath("tracker", "t.js").read_bytes()
    packed = gzip.compress(script, mtime=0)
    headers = {**_HEADERS, "etag": f'"{hashlib.sha256(script).hexdigest()[:16]}"'}
    routes = APIRouter(tags=["tracker"])

    async def tracker(request: Request) -> Response:
        """The script; 304 while the browser's copy is the same."""
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers={**headers, "content-encoding": "gzip"}, media_type=_MEDIA_TYPE)
        return Response(script, headers=headers, media_type=_MEDIA_TYPE)

    routes.add_api_route("/t.js", tracker, methods=["GET"], response_class=Response)
    routes.add_api_route("/t.js", tracker, methods=["HEAD"], include_in_schema=False)
    return routes
