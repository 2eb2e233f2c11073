"""Segment's script for browsers where its copy-paste snippet looks for it, out of the package that has it.

Nothing of it is part of tragt: ``INGEST_ANALYTICS_JS`` names the folder ``dist/umd`` of an installed
``@segment/analytics-next``. What is in it is read once, at the start.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api.script import FOR_EVER, HOURLY, Script
from shared.errors import Misconfigured, NotFound
from shared.http.problems import responses

_MAIN: Final = "standalone.js"
_UNSET: Final = (
    "this ingest has no analytics.js: set INGEST_ANALYTICS_JS to the folder dist/umd of an installed "
    "@segment/analytics-next"
)


def router(folder: str) -> APIRouter:
    """The script that the snippet loads, and the parts that the script loads. Raises Misconfigured.

    Without a folder there are none, and who asks is told what to set.
    """
    scripts = _scripts(Path(folder)) if folder else {}
    routes = APIRouter(tags=["segment"])

    async def analytics_js(write_key: str, request: Request) -> Response:
        """Segment's analytics.js, where its package is installed; the same for every key."""
        del write_key  # the script finds it in its own address
        return _found(scripts, _MAIN).answer(request)

    async def part(name: str, request: Request) -> Response:
        """A part of it that is loaded when it is needed."""
        return _found(scripts, name).answer(request)

    served: Sequence[tuple[str, Callable[..., Awaitable[Response]]]] = (
        ("/analytics.js/v1/{write_key}/analytics.min.js", analytics_js),
        ("/analytics-next/bundles/{name}", part),
    )
    for path, route in served:
        routes.add_api_route(path, route, methods=["GET"], responses=responses(NotFound), response_class=Response)
        routes.add_api_route(path, route, methods=["HEAD"], include_in_schema=False)
    return routes


def _scripts(folder: Path) -> Mapping[str, Script]:
    """By file name. Only what was there at the start is ever served, so no name leads out of the folder."""
    try:
        read = {path.name: path.read_bytes() for path in sorted(folder.glob("*.js"))}
    except OSError as error:
        raise Misconfigured(f"INGEST_ANALYTICS_JS cannot be read: {error}") from error
    if _MAIN not in read:
        raise Misconfigured(f"INGEST_ANALYTICS_JS has no {_MAIN}: {folder} is no dist/umd of @segment/analytics-next")
    return {name: Script(content, HOURLY if name == _MAIN else FOR_EVER) for name, content in read.items()}


def _found(scripts: Mapping[str, Script], name: str) -> Script:
    if not scripts:
        raise NotFound(_UNSET)
    if name not in scripts:
        raise NotFound("analytics.js has no such part")
    return scripts[name]
