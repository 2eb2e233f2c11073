"""``/v1/facts``: what was last told of leads, for whoever counts them."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.scoring.api.answering import example
from services.scoring.api.parameters import Asking
from services.scoring.handlers.telling import facts_told
from services.scoring.queries.facts import Place
from shared.clock import to_text
from shared.errors import Forbidden, InvalidRequest, Transient, Unauthenticated
from shared.http.pagination import decode_cursor, encode_cursor
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1/facts", tags=["facts"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Transient)
)

_LIST: Final = "facts"
_MOST: Final = 5_000
_EXAMPLE: Final = {
    "data": [
        {
            "lead_id": "7c0e7b0a-6f3c-6e2b-9d3f-0c2f4b8a1d55",
            "fact_key": "cycle:1",
            "version": 1099511627781,
            "fact": {
                "cycle": 1,
                "steps": {"anonymous": 1793606504120000, "known": 1794652269000000, "mql": 1795165443000000},
                "dimensions": {"channel": "search", "source": "google", "campaign": "autumn", "model_version": 1},
            },
        }
    ],
    "next": None,
    "stale_leads": 0,
    "watermark": "2025-11-24T09:59:59.400000Z",
}


@router.get("", responses=example(_EXAMPLE))
async def get_facts(
    request: Request,
    asking: Asking,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> Response:
    """Living facts by lead and key, as on the log (instants in microseconds), each with the version that told it.

    `stale_leads` counts leads whose facts will change because touchpoints of theirs are not folded in yet;
    touchpoints that came to the log before `watermark` are processed.
    """
    place = decode_cursor(_LIST, after, Place) if after is not None else None
    told = await facts_told(asking, place, limit)
    watermark: int | None = request.state.freshness.watermark
    body = {
        "data": [
            {"lead_id": one.place.lead_id, "fact_key": one.place.fact_key, "version": one.version, "fact": one.fact}
            for one in told.facts
        ],
        "next": encode_cursor(_LIST, told.next) if told.next else None,
        "stale_leads": told.stale_leads,
        "watermark": to_text(watermark) if watermark is not None else None,
    }
    return Response(msgspec.json.encode(body), media_type="application/json")
