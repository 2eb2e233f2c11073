"""``GET /t.js``: tragt's own tracker, as small as ``make tracker`` made it."""

from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.api.script import HOURLY, Script


def router() -> APIRouter:
    """The one route. The same file for everybody: a page says in its own markup which key and host are its."""
    script = Script(files("services.ingest").joinpath("tracker", "t.js").read_bytes(), HOURLY)
    routes = APIRouter(tags=["tracker"])

    async def tracker(request: Request) -> Response:
        """The script; 304 while the browser's copy is the same."""
        return script.answer(request)

    routes.add_api_route("/t.js", tracker, methods=["GET"], responses=documented.SCRIPT, response_class=Response)
    routes.add_api_route("/t.js", tracker, methods=["HEAD"], include_in_schema=False)
    return routes
