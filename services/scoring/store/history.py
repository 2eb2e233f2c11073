"""What came in: ids ever seen, and the touchpoints themselves under their strands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.scoring.domain.touchpoint import Place

_REMEMBER: Final = """
    INSERT INTO scoring.seen (workspace_id, digest, occurred_at)
    SELECT s.workspace_id, s.digest, s.occurred_at
    FROM unnest($1::uuid[], $2::bytea[], $3::bigint[]) AS s (workspace_id, digest, occurred_at)
    ORDER BY s.workspace_id, s.digest
    ON CONFLICT DO NOTHING
    RETURNING digest
"""
_FIRSTS: Final = """
    SELECT s.occurred_at IS NOT NULL, h.body
    FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bigint[], $5::text[])
    WITH ORDINALITY AS d (workspace_id, digest, strand, occurred_at, id, place)
    CROSS JOIN LATERAL (
        SELECT k.occurred_at FROM scoring.seen AS k
        WHERE k.workspace_id = d.workspace_id AND k.digest = d.digest OFFSET 0
    ) AS s
    LEFT JOIN LATERAL (
        SELECT t.body FROM scoring.touchpoint AS t
        WHERE t.workspace_id = d.workspace_id AND t.strand = d.strand
        AND t.occurred_at = coalesce(s.occurred_at, d.occurred_at) AND t.id = d.id OFFSET 0
    ) AS h ON true
    ORDER BY d.place
"""
_STORE: Final = """
    INSERT INTO scoring.touchpoint (workspace_id, strand, occurred_at, id, recorded_at, body)
    SELECT t.workspace_id, t.strand, t.occurred_at, t.id, $5, t.body
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $6::bytea[])
    AS t (workspace_id, strand, occurred_at, id, body)
"""
_READ: Final = """
    SELECT p.piece, t.occurred_at, t.id, t.body
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
    WITH ORDINALITY AS p (workspace_id, strand, starts_at, ends_at, after_at, after_id, piece)
    CROSS JOIN LATERAL (
        SELECT h.occurred_at, h.id, h.body FROM scoring.touchpoint AS h
        WHERE h.workspace_id = p.workspace_id AND h.strand = p.strand
        AND h.occurred_at >= p.starts_at AND h.occurred_at < p.ends_at
        AND (h.occurred_at, h.id) > (p.after_at, p.after_id)
        ORDER BY h.occurred_at, h.id LIMIT $7
    ) AS t
"""

# Strands below a key by the hundred thousand do not leave the database, only what comes next of all of them.
_READ_BELOW: Final = """
    WITH RECURSIVE down (key) AS (
        SELECT $2::text COLLATE "C"
        UNION
        SELECT link.key FROM down CROSS JOIN LATERAL (
            SELECT r.key FROM scoring.run AS r
            WHERE r.workspace_id = $1 AND r.target = down.key AND r.origin <> 'void' OFFSET 0
        ) AS link
    )
    SELECT down.key, t.occurred_at, t.id, t.body
    FROM down CROSS JOIN LATERAL (
        SELECT h.occurred_at, h.id, h.body FROM scoring.touchpoint AS h
        WHERE h.workspace_id = $1 AND h.strand = down.key AND (h.occurred_at, h.id) > ($3, $4)
        ORDER BY h.occurred_at, h.id LIMIT $5
    ) AS t
    ORDER BY t.occurred_at, t.id LIMIT $5
"""


Seen = tuple[UUID, bytes, int | None]
"""An id to remember, as workspace and digest, and when what it names happened. One is made for every touchpoint."""


class Again(NamedTuple):
    """A touchpoint whose id was seen before."""

    workspace: UUID
    digest: bytes
    strand: str
    occurred_at: int
    id: str


class First(NamedTuple):
    """What came first under an id: its ``body``, None when it is not in this strand.

    ``is_placed`` when its instant is known: without a body it then is in another strand, else it may be in this one.
    """

    is_placed: bool
    body: bytes | None


@dataclass(frozen=True, slots=True)
class StoredTouchpoint:
    """A row of the history to be: the record's own bytes, and where they belong."""

    workspace: UUID
    strand: str
    place: Place
    body: bytes


class PieceToRead(NamedTuple):
    """A stretch of a strand: touchpoints in ``[start, end)`` that come after ``after``."""

    workspace: UUID
    strand: str
    start: int
    end: int
    after: Place


class HistoryRow(NamedTuple):
    """One touchpoint read; ``piece`` is the index of the piece it belongs to."""

    piece: int
    place: Place
    body: bytes


async def remember(connection: asyncpg.Connection, ids: Sequence[Seen]) -> set[bytes]:
    """Note these ids for ever. Returns the digests that were new; digests are keyed, so they name their workspace
    too.
    """
    workspaces, digests, instants = zip(*ids, strict=True)
    rows = await connection.fetch(_REMEMBER, workspaces, digests, instants)
    return {row[0] for row in rows}


async def firsts(connection: asyncpg.Connection, again: Sequence[Again]) -> list[First]:
    """What came first under each of these ids, all of which were seen."""
    rows = await connection.fetch(_FIRSTS, *zip(*again, strict=True))
    return [First(*row) for row in rows]


async def store(connection: asyncpg.Connection, rows: Sequence[StoredTouchpoint], recorded_at: int) -> None:
    """Add touchpoints to the history."""
    ordered = sorted(rows, key=lambda row: (row.workspace.int, row.strand, row.place))
    await connection.execute(
        _STORE,
        [row.workspace for row in ordered],
        [row.strand for row in ordered],
        [row.place.at for row in ordered],
        [row.place.id for row in ordered],
        recorded_at,
        [row.body for row in ordered],
    )


async def read(connection: asyncpg.Connection, pieces: Sequence[PieceToRead], limit: int) -> list[HistoryRow]:
    """At most ``limit`` touchpoints of each piece, from its beginning; within a piece in order."""
    if not pieces:
        return []
    rows = await connection.fetch(
        _READ,
        [piece.workspace for piece in pieces],
        [piece.strand for piece in pieces],
        [piece.start for piece in pieces],
        [piece.end for piece in pieces],
        [piece.after.at for piece in pieces],
        [piece.after.id for piece in pieces],
        limit,
    )
    return [HistoryRow(row[0] - 1, Place(row[1], row[2]), row[3]) for row in rows]


async def read_below(
    connection: asyncpg.Connection, workspace: UUID, key: str, after: Place, limit: int
) -> list[tuple[str, Place, bytes]]:
    """The next touchpoints after a place under a key and all keys below it at any time: strand, place and body."""
    rows = await connection.fetch(_READ_BELOW, workspace, key, after.at, after.id, limit)
    return [(row[0], Place(row[1], row[2]), row[3]) for row in rows]
