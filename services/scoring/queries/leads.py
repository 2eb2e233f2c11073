"""Leads as they are stored: by id, by key."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from services.scoring.tables import lead, listing, model
from shared.database.session import ReadSession


class StoredLead(NamedTuple):
    """A key's row. ``state`` is what the last fold left, if any; ``version`` is that of the last change told.

    ``is_stale`` when there are touchpoints or model versions that the state does not know yet.
    """

    key: str
    lead_id: UUID
    is_stale: bool
    state: bytes | None
    version: int
    updated_at: int | None


async def by_ids(session: ReadSession, workspace: UUID, ids: Collection[UUID]) -> dict[UUID, StoredLead]:
    """The keys that have these ids."""
    return {one.lead_id: one for one in await _read(session, workspace, lead.c.lead_id.in_(ids))}


async def by_keys(session: ReadSession, workspace: UUID, keys: Collection[str]) -> dict[str, StoredLead]:
    """Those of the keys that were ever seen."""
    return {one.key: one for one in await _read(session, workspace, lead.c.key.in_(keys))}


async def _read(session: ReadSession, workspace: UUID, which: ColumnElement[bool]) -> Sequence[StoredLead]:
    told = and_(listing.c.workspace_id == lead.c.workspace_id, listing.c.lead_id == lead.c.lead_id)
    newest = (
        select(func.coalesce(func.max(model.c.version), 0)).where(model.c.workspace_id == workspace).scalar_subquery()
    )
    statement = (
        select(
            lead.c.key,
            lead.c.lead_id,
            or_(lead.c.stale_at.is_not(None), and_(lead.c.earliest_at.is_not(None), lead.c.model_version < newest)),
            lead.c.state,
            func.coalesce(listing.c.version, 0),
            listing.c.updated_at,
        )
        .select_from(lead.outerjoin(listing, told))
        .where(lead.c.workspace_id == workspace, which)
    )
    return [StoredLead(*row) for row in await session.execute(statement)]
