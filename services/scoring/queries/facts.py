"""What was last told of leads, by key range, for whoever counts it again."""

from typing import Final, NamedTuple
from uuid import UUID

from shared.database.connection import Connection

_PAGE: Final = """
    SELECT l.lead_id, f.fact_key, f.version, f.body
    FROM scoring.listing AS l
    CROSS JOIN LATERAL (
        SELECT ('cycle:' || c.number) COLLATE "C" AS fact_key, c.version, c.body
        FROM scoring.cycle AS c WHERE c.workspace_id = l.workspace_id AND c.key = l.key
    ) AS f
    WHERE l.workspace_id = $1 AND l.lead_id >= $2 AND (l.lead_id > $2 OR f.fact_key > $3)
    ORDER BY l.lead_id, f.fact_key LIMIT $4
"""
_STALE: Final = """
    SELECT (SELECT count(*) FROM scoring.lead WHERE workspace_id = $1 AND stale_at IS NOT NULL) + (
        SELECT count(*) FROM scoring.lead
        WHERE workspace_id = $1 AND earliest_at IS NOT NULL AND stale_at IS NULL
        AND model_version < (SELECT coalesce(max(version), 0) FROM scoring.model WHERE workspace_id = $1)
    )
"""


class Place(NamedTuple):
    """A place among the facts of a workspace; ids are ordered by their bytes, keys as text."""

    lead_id: UUID
    fact_key: str


BEGINNING: Final = Place(UUID(int=0), "")


class ToldFact(NamedTuple):
    """A fact as last told, and the version that told it; ``body`` is the stored cycle."""

    place: Place
    version: int
    body: bytes


async def page(connection: Connection, workspace: UUID, after: Place, limit: int) -> list[ToldFact]:
    """Up to ``limit`` living facts after a place."""
    rows = await connection.fetch(_PAGE, workspace, after.lead_id, after.fact_key, limit)
    return [ToldFact(Place(row[0], row[1]), row[2], row[3]) for row in rows]


async def stale_leads(connection: Connection, workspace: UUID) -> int:
    """How many leads have touchpoints, or a model version, that are not folded in yet."""
    return int(await connection.fetchval(_STALE, workspace))
