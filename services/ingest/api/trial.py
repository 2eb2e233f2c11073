"""``POST /v1/hooks/try``: what a mapped hook would make of a body, before there is one."""

from fastapi import APIRouter

from services.ingest import schemas
from services.ingest.handlers.hook_keeping import described_by
from services.ingest.protocols.hook_trial import Sample, shown, tried
from shared.clock import Clock
from shared.errors import Forbidden, InvalidRequest, Unauthenticated
from shared.http.auth import Administrator
from shared.http.problems import responses


def router(clock: Clock) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["hooks"], responses=responses(InvalidRequest, Unauthenticated, Forbidden))

    @routes.post("/v1/hooks/try", summary="Try a mapped hook before there is one")
    async def trial(_who: Administrator, asked: schemas.HookTried) -> schemas.Trial:
        """What its document makes of a body; nothing is kept."""
        provider = described_by(asked.document, "/document")
        sample = Sample(asked.sample.encode(), asked.content_type)
        return schemas.Trial.model_validate({"data": [shown(one) for one in tried(provider, sample, clock.now())]})

    return routes
