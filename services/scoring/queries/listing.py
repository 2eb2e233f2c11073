"""Work lists: the keys of leads by status, stage or channel, in the order in which they last changed."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_

from services.scoring.tables import listing
from shared.database.session import ReadSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which leads, None meaning any; ``updated_since`` is inclusive, in microseconds."""

    status: str | None = None
    stage: str | None = None
    channel: str | None = None
    updated_since: int | None = None


class Position(NamedTuple):
    """A place in a work list."""

    updated_at: int
    lead_id: UUID


class Listed(NamedTuple):
    """A lead of a work list."""

    key: str
    position: Position


async def page(
    session: ReadSession, workspace: UUID, wanted: Filter, *, newest_first: bool, after: Position | None, limit: int
) -> list[Listed]:
    """Up to ``limit`` leads after a position."""
    place = tuple_(listing.c.updated_at, listing.c.lead_id)
    statement = select(listing.c.key, listing.c.updated_at, listing.c.lead_id).where(
        listing.c.workspace_id == workspace,
        *(
            getattr(listing.c, name) == value
            for name in ("status", "stage", "channel")
            if (value := getattr(wanted, name)) is not None
        ),
    )
    if wanted.updated_since is not None:
        statement = statement.where(listing.c.updated_at >= wanted.updated_since)
    if after is not None:
        bound = tuple_(*after)
        statement = statement.where(place < bound if newest_first else place > bound)
    order = (listing.c.updated_at, listing.c.lead_id)
    statement = statement.order_by(*(column.desc() if newest_first else column for column in order)).limit(limit)
    return [Listed(row[0], Position(row[1], row[2])) for row in await session.execute(statement)]
