"""``POST /v1/hooks/try``: what a mapped hook would make of a body, before there is one."""

from fastapi import APIRouter

from services.ingest import schemas
from services.ingest.handlers.hook_keeping import described_by
from services.ingest.handlers.schema_cache import SchemaCache
from services.ingest.protocols.hook_trial import Sample, shown, tried, unfilled
from shared.clock import Clock
from shared.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable
from shared.http.auth import Administrator
from shared.http.problems import responses


def router(clock: Clock, in_force: SchemaCache) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["hooks"], responses=responses(InvalidRequest, Unauthenticated, Forbidden, Unavailable))

    @routes.post("/v1/hooks/try", summary="Try a mapped hook before there is one")
    async def trial(who: Administrator, asked: schemas.HookTried) -> schemas.Trial:
        """What its document makes of a body, and what the workspace's schemas say of that; nothing is kept."""
        provider = described_by(asked.document, "/document")
        sample = Sample(asked.sample.encode(), asked.content_type)
        found = tried(provider, sample, clock.now(), in_force.of(who.workspace))
        told = {"data": [shown(one) for one in found], "unfilled": unfilled(provider, found)}
        return schemas.Trial.model_validate(told)

    return routes
