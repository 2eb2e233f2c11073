"""``/v1/leads``: work lists, and one lead by its id or any of its keys."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.scoring.api.answering import answer, example
from services.scoring.api.parameters import Asking, InstantParameter
from services.scoring.api.presenting import lead_of
from services.scoring.handlers import naming, reading
from services.scoring.queries.listing import Filter, Position
from services.scoring.schemas.lead import EXAMPLE, Lead
from services.scoring.schemas.wire import Page
from shared.errors import Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses
from shared.vocabulary import Channel, Status

router: Final = APIRouter(
    prefix="/v1/leads", tags=["leads"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Transient)
)

_LIST: Final = "leads"
_MOST_IDS: Final = 100
AsOf = Annotated[InstantParameter | None, Query(description="The lead as it was then, by all that is known now.")]
KnownAt = Annotated[
    InstantParameter | None, Query(description="Leaves out what was recorded later: the lead as it was known then.")
]


class Order(StrEnum):
    """Lists by the instant of the last change told."""

    NEWEST = "newest"
    OLDEST = "oldest"


@router.get("", response_model=Page[Lead], responses=example({"data": [EXAMPLE], "next": None}))
async def list_leads(  # noqa: PLR0913, PLR0917 -- its parameters are those of the query
    request: Request,
    asking: Asking,
    ids: Annotated[list[UUID] | None, Query(alias="id", max_length=_MOST_IDS)] = None,
    status: Status | None = None,
    stage: Annotated[str | None, Query(max_length=100)] = None,
    channel: Annotated[Channel | None, Query(description="Of the lead's first touchpoint.")] = None,
    updated_since: InstantParameter | None = None,
    order: Order = Order.NEWEST,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    after: Annotated[str | None, Query(description="The `next` of the page before.")] = None,
) -> Response:
    """Leads by the instant of their last change, or those that hold the given ids, in their order.

    `identities` of a lead in a list are at most 20, not always its strongest where it has more than 32, and leave out
    keys with very many owners where the present one is not plain; `GET /v1/leads/{lead_id}` shows them all.
    There are no grades, owners and segments yet, so no filters of that name either.
    """
    if ids:
        named = await reading.leads_of_ids(asking, ids)
        return answer(request, Page[Lead](data=[lead_of(view, asking.secret) for view in named], next=None))
    wanted = Filter(status=status, stage=stage, channel=channel, updated_since=updated_since)
    position = decode_cursor(_LIST, after, Position) if after is not None else None
    views, following = await reading.work_list(
        asking, wanted, newest_first=order is Order.NEWEST, after=position, limit=limit
    )
    data = [lead_of(view, asking.secret) for view in views]
    return answer(request, Page[Lead](data=data, next=encode_cursor(_LIST, following) if following else None))


@router.get("/by/{key}/{value:path}", response_model=Lead, responses={**example(EXAMPLE), **responses(NotFound)})
async def get_lead_by_key(
    request: Request, key: str, value: str, asking: Asking, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """The lead that holds a key.

    Keys: `user_id`, `email`, `email_sha256`, `phone`, `anonymous_id`, `external.<system>`.
    """
    when = reading.when(asking, as_of, known_at)
    view = await reading.lead_of_key(asking, naming.key_named(asking.secret, key, value), when)
    return answer(request, lead_of(view, asking.secret))


@router.get("/{lead_id}", response_model=Lead, responses={**example(EXAMPLE), **responses(NotFound)})
async def get_lead(
    request: Request, lead_id: UUID, asking: Asking, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """One lead. The id of any key ever seen answers with the lead that holds it now, and says so in `merged_into`."""
    view = await reading.lead_of_id(asking, lead_id, reading.when(asking, as_of, known_at))
    return answer(request, lead_of(view, asking.secret))
