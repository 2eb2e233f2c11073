"""``/v1/leads``: the leads behind a number."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from services.metrics.api.answers import described, respond
from services.metrics.api.examples import LEADS
from services.metrics.api.meta import meta_of
from services.metrics.api.reach import reach_of
from services.metrics.api.session import Viewer
from services.metrics.domain.behind import Cell, Part, of_text
from services.metrics.domain.cycle import ATTRIBUTES, ENDS, STEPS
from services.metrics.domain.question import Basis
from services.metrics.handlers.leads import Behind, Found, leads_behind
from services.metrics.schemas import Lead, LeadsAnswer
from shared.clock import to_text
from shared.errors import FieldFault, Forbidden, InvalidRequest, Unauthenticated, Unavailable
from shared.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1", tags=["leads"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Unavailable)
)
_LIST: Final = "leads"
_DEFINITION: Final = "The cycles that the number counts, latest first; `count` is the number."


@router.get("/leads", responses=described(LEADS))
async def list_leads(  # noqa: PLR0917  (one per query parameter)
    request: Request,
    workspace: Viewer,
    cell: Annotated[str, Query(description="From the `leads` link of a step.")],
    part: Annotated[Part, Query(description="Which of the leads at the step.")] = Part.ENTERED,
    exit_: Annotated[str | None, Query(alias="exit", description=f"With `part=left`: {', '.join(ENDS)}.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> Response:
    """The leads behind a number of a funnel: each step carries the link, `part` and `exit` narrow it."""
    behind = _behind(cell, part, exit_)
    position = None if after is None else decode_cursor(_LIST, after, tuple[int, str, str])
    page = await leads_behind(reach_of(request).desk, workspace, behind, position, limit)
    zone = reach_of(request).settings.time_zones[0]
    return respond(
        LeadsAnswer(
            data=[_lead(found, page.details) for found in page.found],
            next=None if page.after is None else encode_cursor(_LIST, page.after),
            count=page.count,
            meta=meta_of(request, workspace, page.known, zone, _DEFINITION, "facts"),
        )
    )


def _behind(text: str, part: Part, end: str | None) -> Behind:
    cell = _cell(text)
    if end is not None and (end not in ENDS or part is not Part.LEFT):
        raise InvalidRequest(FieldFault("exit", "unknown_value", f"with part=left, one of {', '.join(ENDS)}"))
    if cell.basis is Basis.PERIOD and part not in {Part.ENTERED, Part.LEFT}:
        raise InvalidRequest(FieldFault("part", "not_together", "the period basis counts moves: entered or left"))
    return Behind(cell, part, end)


def _cell(text: str) -> Cell:
    try:
        return of_text(text)
    except ValueError as error:
        raise InvalidRequest(FieldFault("cell", "invalid_cell", "follow the `leads` link of a step")) from error


def _lead(found: Found, details: Mapping[str, object]) -> Lead:
    cycle = found.cycle
    return Lead(
        lead_id=str(found.lead_id),
        cycle=cycle.number,
        status=cycle.ended or STEPS[found.furthest],
        entered_at=to_text(found.anchor_at),
        steps={name: to_text(at) for name, at in zip(STEPS, cycle.entered, strict=True) if at is not None},
        exit=cycle.ended,
        exited_at=None if cycle.ended_at is None else to_text(cycle.ended_at),
        attributes=dict(zip(ATTRIBUTES, cycle.attributes, strict=True)),
        lead=details.get(str(found.lead_id)),
    )
