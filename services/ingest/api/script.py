"""Scripts as browsers of any site fetch them: packed, and not again while the copy they have is the same."""

import gzip
import hashlib
from typing import Final

from fastapi import Request
from starlette.responses import Response

HOURLY: Final = "public, max-age=3600, stale-while-revalidate=86400"
"""How long a copy is good whose address stays when its content changes."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""How long one whose address changes with its content."""

_HEADERS: Final = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "accept-encoding",
}
_MEDIA_TYPE: Final = "text/javascript"


class Script:
    """One script, kept in memory plain and packed; ``keeping`` says for how long a browser keeps it."""

    def __init__(self, content: bytes, keeping: str) -> None:
        self._content = content
        self._packed = gzip.compress(content, mtime=0)
        self._tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        self._headers = {**_HEADERS, "cache-control": keeping, "etag": self._tag}

    def answer(self, request: Request) -> Response:
        """The script; 304 while the browser's copy is the same."""
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed, headers={**self._headers, "content-encoding": "gzip"}, media_type=_MEDIA_TYPE)
        return Response(self._content, headers=self._headers, media_type=_MEDIA_TYPE)
