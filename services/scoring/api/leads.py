"""``/v1/leads``: one lead."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scoring.api.answering import answer, example
from services.scoring.api.parameters import Asking
from services.scoring.api.presenting import lead_of
from services.scoring.handlers import reading
from services.scoring.schemas.lead import EXAMPLE, Lead
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.http.problems import responses

router: Final = APIRouter(prefix="/v1/leads", tags=["leads"], responses=responses(Unauthenticated, Forbidden))


@router.get("/{lead_id}", response_model=Lead, responses={**example(EXAMPLE), **responses(NotFound)})
async def get_lead(request: Request, lead_id: UUID, asking: Asking) -> Response:
    """One lead. The id of any key ever seen answers with the lead that holds it now, and says so in `merged_into`."""
    return answer(request, lead_of(await reading.lead_of_id(asking, lead_id), asking.secret))
