"""A lead's touchpoints in order, over all its pieces at once, a page at a time."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.scoring.domain.touchpoint import Place
from shared.database.connection import Connection

_UP: Final = """
    SELECT t.occurred_at, t.id, t.recorded_at, t.body
    FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS p (strand, starts_at, ends_at)
    CROSS JOIN LATERAL (
        SELECT h.occurred_at, h.id, h.recorded_at, h.body FROM scoring.touchpoint AS h
        WHERE h.workspace_id = $1 AND h.strand = p.strand
        AND h.occurred_at >= p.starts_at AND h.occurred_at < p.ends_at
        AND (h.occurred_at, h.id) > ($5, $6) AND h.recorded_at <= $7
        ORDER BY h.occurred_at, h.id LIMIT $8
    ) AS t
    ORDER BY t.occurred_at, t.id LIMIT $8
"""
_DOWN: Final = """
    SELECT t.occurred_at, t.id, t.recorded_at, t.body
    FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS p (strand, starts_at, ends_at)
    CROSS JOIN LATERAL (
        SELECT h.occurred_at, h.id, h.recorded_at, h.body FROM scoring.touchpoint AS h
        WHERE h.workspace_id = $1 AND h.strand = p.strand
        AND h.occurred_at >= p.starts_at AND h.occurred_at < p.ends_at
        AND (h.occurred_at, h.id) < ($5, $6) AND h.recorded_at <= $7
        ORDER BY h.occurred_at DESC, h.id DESC LIMIT $8
    ) AS t
    ORDER BY t.occurred_at DESC, t.id DESC LIMIT $8
"""
_BELOW: Final = """
    WITH RECURSIVE down (key) AS (
        SELECT $2::text COLLATE "C"
        UNION
        SELECT link.key FROM down CROSS JOIN LATERAL (
            SELECT r.key FROM scoring.run AS r
            WHERE r.workspace_id = $1 AND r.target = down.key AND r.origin <> 'void' OFFSET 0
        ) AS link
    )
    SELECT t.occurred_at, t.id, t.recorded_at, t.body, down.key
    FROM down CROSS JOIN LATERAL (
        SELECT h.occurred_at, h.id, h.recorded_at, h.body FROM scoring.touchpoint AS h
        WHERE h.workspace_id = $1 AND h.strand = down.key AND (h.occurred_at, h.id) {past} ($3, $4)
        AND h.occurred_at <= $6
        ORDER BY h.occurred_at {direction}, h.id {direction} LIMIT $5
    ) AS t
    ORDER BY t.occurred_at {direction}, t.id {direction} LIMIT $5
"""
_BELOW_UP: Final = _BELOW.format(past=">", direction="ASC")
_BELOW_DOWN: Final = _BELOW.format(past="<", direction="DESC")
EVER: Final = 1 << 62
"""An instant after every recording."""


class Stop(NamedTuple):
    """One touchpoint on the way: where, when it was recorded, and its bytes."""

    place: Place
    recorded_at: int
    body: bytes


class Road(NamedTuple):
    """Where to read: the pieces (strand, from, to) of one lead, and only what was recorded by an instant."""

    workspace: UUID
    pieces: Sequence[tuple[str, int, int]]
    recorded_by: int = EVER


class Wide(NamedTuple):
    """Where to read when a lead has too many pieces to name them: below a root, up to an instant."""

    workspace: UUID
    root: str
    until: int = EVER


async def forth(connection: Connection, road: Road, after: Place, limit: int) -> list[Stop]:
    """The first touchpoints after a place, oldest first."""
    return await _page(connection, _UP, road, after, limit)


async def back(connection: Connection, road: Road, before: Place, limit: int) -> list[Stop]:
    """The last touchpoints before a place, newest first."""
    return await _page(connection, _DOWN, road, before, limit)


async def _page(connection: Connection, statement: str, road: Road, place: Place, limit: int) -> list[Stop]:
    rows = await connection.fetch(
        statement,
        road.workspace,
        [strand for strand, _, _ in road.pieces],
        [start for _, start, _ in road.pieces],
        [end for _, _, end in road.pieces],
        place.at,
        place.id,
        road.recorded_by,
        limit,
    )
    return [Stop(Place(row[0], row[1]), row[2], row[3]) for row in rows]


async def below(
    connection: Connection, road: Wide, place: Place, limit: int, *, newest_first: bool
) -> list[tuple[str, Stop]]:
    """The next touchpoints after a place (or before it) of all that is below a key, its own or not, by strand."""
    statement = _BELOW_DOWN if newest_first else _BELOW_UP
    rows = await connection.fetch(statement, road.workspace, road.root, place.at, place.id, limit, road.until)
    return [(row[4], Stop(Place(row[0], row[1]), row[2], row[3])) for row in rows]
