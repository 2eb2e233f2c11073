"""``/v1/leads/{lead_id}/...``: how a lead got where it is."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.scoring.api.answering import answer, example
from services.scoring.api.leads import AsOf, Order
from services.scoring.api.parameters import Asking
from services.scoring.api.presenting_journey import history_of, journey_of, ledger_of
from services.scoring.domain.touchpoint import Place
from services.scoring.handlers import journeys, reading
from services.scoring.schemas.journey import (
    HISTORY_EXAMPLE,
    JOURNEY_EXAMPLE,
    LEDGER_EXAMPLE,
    History,
    Journey,
    Ledger,
)
from shared.errors import Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1/leads/{lead_id}",
    tags=["leads"],
    responses=responses(Unauthenticated, Forbidden, NotFound, InvalidRequest, Transient),
)

_LIST: Final = "touchpoints"


@router.get("/history", response_model=History, responses=example(HISTORY_EXAMPLE))
async def get_history(request: Request, lead_id: UUID, asking: Asking) -> Response:
    """Where it stood: the intervals of status and stage of all its cycles, each with its cause."""
    return answer(request, history_of(await journeys.history_of(asking, lead_id)))


@router.get("/ledger", response_model=Ledger, responses=example(LEDGER_EXAMPLE))
async def get_ledger(request: Request, lead_id: UUID, asking: Asking, as_of: AsOf = None) -> Response:
    """Every point of its score: which rule, which touchpoint, how many, and what is left of them."""
    when = reading.when(asking, as_of, None)
    return answer(request, ledger_of(await journeys.points_of(asking, lead_id, when.as_of if when else None)))


@router.get("/touchpoints", response_model=Journey, responses=example(JOURNEY_EXAMPLE))
async def get_touchpoints(
    request: Request,
    lead_id: UUID,
    asking: Asking,
    order: Order = Order.NEWEST,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> Response:
    """Its touchpoints over all devices and keys, in the order in which they happened."""
    place = decode_cursor(_LIST, after, Place) if after is not None else None
    found = await journeys.journey_of(asking, lead_id, place, limit, newest_first=order is Order.NEWEST)
    return answer(request, journey_of(found, encode_cursor(_LIST, found.next) if found.next else None))
