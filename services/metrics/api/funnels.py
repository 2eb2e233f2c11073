"""``/v1/funnel``: the lifecycle funnel."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.metrics.api.answers import described, funnel_of, respond
from services.metrics.api.examples import FUNNEL
from services.metrics.api.meta import meta_of
from services.metrics.api.parameters import DOCUMENTED, Asked
from services.metrics.api.reach import reach_of
from services.metrics.api.session import Viewer
from services.metrics.domain.definition import definition_of
from services.metrics.domain.question import Question
from shared.errors import Forbidden, InvalidRequest, Unauthenticated, Unavailable
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1", tags=["funnel"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Unavailable)
)


@router.get("/funnel", responses=described(FUNNEL), openapi_extra=DOCUMENTED)
async def get_funnel(request: Request, workspace: Viewer, question: Asked) -> Response:
    """How many entered each step, how many went on, left or are still open, how long it took; in all and by group."""
    return await answered(request, workspace, question)


async def answered(request: Request, workspace: UUID, question: Question) -> Response:
    """The answer to a question about a workspace."""
    result = await reach_of(request).funnels.ask(workspace, question)
    definition = definition_of(question, result.source)
    return respond(
        funnel_of(result, meta_of(request, workspace, result.known, question.zone, definition, result.source))
    )
