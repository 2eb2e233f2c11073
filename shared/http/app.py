"""The application every service starts from: problems, health, telemetry, strict parameters."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware

from shared.errors import InvalidRequest
from shared.http import health, problems
from shared.http.observation import Observation
from shared.http.parameters import StrictParameters
from shared.telemetry import Telemetry

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]


def create_app(
    *,
    title: str,
    version: str,
    description: str,
    routers: Sequence[APIRouter],
    resources: Mapping[str, Any],
    checks: health.Health,
    telemetry: Telemetry,
    open_routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """An application whose routes find ``resources`` (``access`` among them) as ``request.state.<name>``.

    The resources are opened and closed by the caller, around the serving. Unknown query parameters are refused, except
    by ``open_routers``, which speak the protocols of others.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield resources

    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan,
        redirect_slashes=False,
        responses={
            **problems.responses(InvalidRequest),  # instead of what FastAPI says that it answers, and does not
            **problems.described(problems.http_problem(431)),  # which the guard answers to a head that is too large
        },
        middleware=[Middleware(Observation, telemetry=telemetry)],
    )
    problems.install(app)
    app.include_router(health.router(checks, telemetry.expose))
    for router in open_routers:
        app.include_router(router)
    strict = Depends(StrictParameters())
    for router in routers:
        app.include_router(router, dependencies=[strict])
    return app
