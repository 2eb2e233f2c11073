"""``/v1/costs``: what advertising cost, taken row by row and summed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.metrics.api.answers import JSON, described, respond
from services.metrics.api.examples import COSTS, COSTS_TAKEN
from services.metrics.api.meta import meta_of
from services.metrics.api.reach import reach_of
from services.metrics.api.session import Viewer
from services.metrics.handlers import costs as handler
from services.metrics.handlers.costs import GROUPINGS, Wanted
from services.metrics.schemas import CostGroup, CostRefused, CostsAnswer, CostsTaken
from shared.clock import SECOND
from shared.errors import FieldFault, Forbidden, InvalidRequest, TooLarge, Unauthenticated, Unavailable
from shared.http.auth import Administrator
from shared.http.problems import responses

MOST_ROWS: Final = 10_000
"""In one request, which is 1 MiB at most besides."""

router: Final = APIRouter(
    prefix="/v1", tags=["costs"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Unavailable)
)
_DEFINITION: Final = (
    "What was spent on the days from `from` to before `to`, as the ad accounts count their days;"
    " currencies are summed apart and never converted."
)
_DEFAULT_DAYS: Final = timedelta(days=30)
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ROW: Final = {
    "date": "2026-11-25",
    "source": "google",
    "account_id": "1234567890",
    "campaign_id": "77",
    "campaign_name": "Autumn",
    "currency": "EUR",
    "cost": "12.34",
    "impressions": 1000,
    "clicks": 50,
    "conversions": "3",
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_ROWS} rows, each taken or refused by itself.",
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "required": ["costs"],
                    "additionalProperties": False,
                    "properties": {"costs": {"type": "array", "items": {}}},
                },
                "example": {"costs": [_ROW]},
            }
        },
    }
}
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"


@router.post("/costs", responses=described(COSTS_TAKEN) | responses(TooLarge), openapi_extra=_BODY)
async def post_costs(request: Request, principal: Administrator) -> Response:
    """Take costs by day and ad. A row replaces the one of the same day, source, account, campaign, group and ad."""
    rows = rows_of(await request.body())
    taken = await handler.take(reach_of(request).workers, principal.workspace, rows)
    refused = [CostRefused(index, fault.code, fault.pointer, fault.detail) for index, fault in taken.refused]
    return respond(CostsTaken(len(rows), taken.changed, taken.unchanged, refused))


@router.get("/costs", responses=described(COSTS))
async def get_costs(
    request: Request,
    workspace: Viewer,
    start: Annotated[
        str | None, Query(alias="from", pattern=_DAY, description="First day; default: 30 days before `to`.")
    ] = None,
    end: Annotated[
        str | None, Query(alias="to", pattern=_DAY, description="The day after the last; default: tomorrow.")
    ] = None,
    by: Annotated[list[str] | None, Query(description=f"Any of: {', '.join(GROUPINGS)}.")] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="Only this one.")] = None,
) -> Response:
    """What was spent, by group and currency."""
    reach = reach_of(request)
    today = datetime.fromtimestamp(reach.clock.now() / SECOND, UTC).date()
    until = today + timedelta(days=1) if end is None else _day("to", end)
    begin = max(date.min + _DEFAULT_DAYS, until) - _DEFAULT_DAYS if start is None else _day("from", start)
    if begin >= until:
        raise InvalidRequest(FieldFault("from", "out_of_range", "`from` must lie before `to`"))
    wanted = Wanted(begin, until, _groupings(by or []), currency)
    rows = await handler.summed(reach.readers, workspace, wanted)
    known = await reach.cubes.known(workspace)
    return respond(
        CostsAnswer(
            start=begin.isoformat(),
            end=until.isoformat(),
            by=list(wanted.by),
            groups=[_group(row, wanted.by) for row in rows],
            meta=meta_of(request, workspace, known, reach.settings.time_zones[0], _DEFINITION, "costs"),
        )
    )


def rows_of(body: bytes) -> list[object]:
    """The rows of a request, whatever each is. Raises InvalidRequest."""
    try:
        said = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError):
        raise InvalidRequest(FieldFault("", "not_json", "the body is no JSON")) from None
    rows = said.get("costs") if isinstance(said, dict) and len(said) == 1 else None
    if not isinstance(rows, list):
        raise InvalidRequest(FieldFault("/costs", "wrong_type", 'send {"costs": [...]}'))
    if len(rows) > MOST_ROWS:
        raise InvalidRequest(FieldFault("/costs", "too_many_items", f"at most {MOST_ROWS} rows in one request"))
    return rows


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(FieldFault(name, "invalid_instant", "there is no such day")) from None


def _groupings(given: list[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for part in given for name in part.split(",") if name))
    if any(name not in GROUPINGS for name in names):
        raise InvalidRequest(FieldFault("by", "unknown_value", f"use any of {', '.join(GROUPINGS)}"))
    return names


def _group(row: Any, by: tuple[str, ...]) -> CostGroup:
    key = {name: str(row[GROUPINGS[name]]) for name in by}
    return CostGroup(
        key=key,
        campaign_name=row["campaign_name"] if "campaign" in by else None,
        currency=row["currency"],
        cost=_plain(row["cost"]),
        impressions=int(row["impressions"]),
        clicks=int(row["clicks"]),
        conversions=_plain(row["conversions"]),
    )


def _plain(amount: Decimal) -> str:
    """Without zeros that say nothing, and without an exponent."""
    return f"{amount.normalize():f}"
