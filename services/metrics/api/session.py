"""Who may see numbers: the bearer of a key, or the browser that opened a sign-in link.

The link works once and gives a session in a cookie that no script reads and that no other site's requests carry.
"""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.metrics.api.reach import reach_of
from services.metrics.store.sign_in import SESSION_LASTS
from shared.access import Scope
from shared.clock import SECOND
from shared.errors import Unauthenticated
from shared.http.auth import check_scope
from shared.http.credentials import header_keys
from shared.http.problems import responses

COOKIE: Final = "tragt_session"

router: Final = APIRouter(tags=["page"])


@router.get("/sign-in", status_code=303, responses=responses(Unauthenticated))
async def sign_in(
    request: Request, token: Annotated[str, Query(description="From the link that `tragt up` printed.")]
) -> Response:
    """Change a link, which works once, for a session cookie, and go to the page (a browser goes there anyway)."""
    response = Response(status_code=303, headers={"location": "/", "referrer-policy": "no-referrer"})
    try:
        session = await reach_of(request).sessions.begin(token)
    except Unauthenticated:
        if "text/html" in request.headers.get("accept", ""):
            return response
        raise
    response.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_LASTS // SECOND,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def viewer_of(request: Request) -> UUID:
    """The workspace whose numbers the caller may see, by key or by session. Raises Unauthenticated, Forbidden."""
    if "authorization" in request.headers:
        principal = reach_of(request).access.authenticate(header_keys(request.scope["headers"]))
        check_scope(principal, Scope.METRICS_READ)
        return principal.workspace
    return await reach_of(request).sessions.workspace_of(request.cookies.get(COOKIE, ""))


Viewer = Annotated[UUID, Depends(viewer_of)]
"""The workspace whose numbers the caller may see, by key or by session."""
