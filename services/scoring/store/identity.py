"""Links and runs: chains of keys are read upwards to find roots, downwards to find what belongs to a root."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from services.scoring.domain.identity import Link, Origin, Run
from shared.database.connection import Connection

WorkspaceKey = tuple[UUID, str]
RunsByKey = dict[WorkspaceKey, tuple[Run, ...]]

_UP: Final = """
    WITH RECURSIVE up (workspace_id, key) AS (
        SELECT k.workspace_id, k.key COLLATE "C" FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
        UNION
        SELECT r.workspace_id, r.target
        FROM up JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key AND r.origin <> 'void'
    )
    SELECT up.workspace_id, up.key, r.at, r.id, r.target, r.origin, r.via
    FROM up LEFT JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key AND r.origin <> 'void'
"""
_KEYS_UP: Final = """
    WITH RECURSIVE up (workspace_id, key) AS (
        SELECT k.workspace_id, k.key COLLATE "C" FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
        UNION
        SELECT r.workspace_id, r.target
        FROM up JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key AND r.origin <> 'void'
    )
    SELECT up.workspace_id, up.key, EXISTS (
        SELECT FROM scoring.lead AS l WHERE l.workspace_id = up.workspace_id AND l.key = up.key
    ) FROM up
"""
_BY_INDEX: Final = "SET LOCAL enable_seqscan = off"
# The limit of each root stops its recursion. The offset keeps the planner from joining with all runs there are.
_KEYS_DOWN: Final = """
    SELECT k.workspace_id, k.key, below.key
    FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
    CROSS JOIN LATERAL (
        WITH RECURSIVE down (key) AS (
            SELECT k.key COLLATE "C"
            UNION
            SELECT link.key FROM down CROSS JOIN LATERAL (
                SELECT r.key FROM scoring.run AS r
                WHERE r.workspace_id = k.workspace_id AND r.target = down.key AND r.origin <> 'void' OFFSET 0
            ) AS link
        )
        SELECT down.key FROM down LIMIT $3
    ) AS below
"""
_RUNS_OF: Final = """
    SELECT k.workspace_id, k.key, r.at, r.id, r.target, r.origin, r.via
    FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
    LEFT JOIN scoring.run AS r ON r.workspace_id = k.workspace_id AND r.key = k.key AND r.origin <> 'void'
"""
_ADD_LINKS: Final = """
    INSERT INTO scoring.link (workspace_id, key, at, id, target, origin, recorded_at)
    SELECT l.workspace_id, l.key, l.at, l.id, l.target, l.origin, $7
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS l (workspace_id, key, at, id, target, origin)
"""
# Only a link and the one after it can begin a run, or no longer begin one, because the link came.
_BESIDE: Final = """
    SELECT near.workspace_id, near.key, near.at, near.id, near.target, near.origin,
        near.origin = 'split' OR (near.target, near.origin) IS DISTINCT FROM (before.target, before.origin)
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS n (workspace_id, key, at, id)
    CROSS JOIN LATERAL (
        SELECT l.* FROM scoring.link AS l
        WHERE l.workspace_id = n.workspace_id AND l.key = n.key AND (l.at, l.id) >= (n.at, n.id)
        ORDER BY l.at, l.id LIMIT 2
    ) AS near
    LEFT JOIN LATERAL (
        SELECT l.target, l.origin FROM scoring.link AS l
        WHERE l.workspace_id = near.workspace_id AND l.key = near.key AND (l.at, l.id) < (near.at, near.id)
        ORDER BY l.at DESC, l.id DESC LIMIT 1
    ) AS before ON true
"""
_CONCLUDED: Final = """
    SELECT k.workspace_id, k.key, r.at, r.id, r.target, r.origin, r.via
    FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
    CROSS JOIN LATERAL (
        SELECT r.* FROM scoring.run AS r
        WHERE r.workspace_id = k.workspace_id AND r.key = k.key AND r.origin = 'void' AND r.via <> '' LIMIT $3
    ) AS r
"""
_REMOVE_RUNS: Final = """
    DELETE FROM scoring.run AS r USING unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[])
    AS d (workspace_id, key, at, id, via)
    WHERE r.workspace_id = d.workspace_id AND r.key = d.key AND r.at = d.at AND r.id = d.id AND r.via = d.via
"""
_ADD_RUNS: Final = """
    INSERT INTO scoring.run (workspace_id, key, at, id, target, origin, via)
    SELECT r.workspace_id, r.key, r.at, r.id, r.target, r.origin, r.via
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS r (workspace_id, key, at, id, target, origin, via)
    ORDER BY r.workspace_id, r.key COLLATE "C", r.at, r.id COLLATE "C", r.via COLLATE "C"
"""


async def chains_up(connection: Connection, keys: Collection[WorkspaceKey]) -> RunsByKey:
    """These keys and all above them (over links at any time, cut and refused ones too), with their runs."""
    rows = await connection.fetch(_UP, [workspace for workspace, _ in keys], [key for _, key in keys])
    return _by_key((row[0], row[1], row[2:]) for row in rows)


async def keys_up(connection: Connection, keys: Collection[WorkspaceKey]) -> dict[WorkspaceKey, bool]:
    """These keys and all above them, and whether each has a row."""
    rows = await connection.fetch(_KEYS_UP, [workspace for workspace, _ in keys], [key for _, key in keys])
    return {(row[0], row[1]): row[2] for row in rows}


async def by_index(connection: Connection) -> None:
    """Let the rest of the transaction go down from key to key by index, whatever the statistics say.

    Where most keys lead to one they promise that every look-up finds nearly all, and a table is read for each key.
    """
    await connection.execute(_BY_INDEX)


async def keys_down(
    connection: Connection, roots: Collection[WorkspaceKey], limit: int
) -> dict[WorkspaceKey, list[str]]:
    """For each of these keys: itself and keys below it (over links at any time), at most ``limit`` of them."""
    rows = await connection.fetch(_KEYS_DOWN, [workspace for workspace, _ in roots], [key for _, key in roots], limit)
    below: dict[WorkspaceKey, list[str]] = {root: [] for root in roots}
    for workspace, root, key in rows:
        below[workspace, root].append(key)
    return below


async def runs_of(connection: Connection, keys: Collection[WorkspaceKey]) -> RunsByKey:
    """The runs of just these keys."""
    rows = await connection.fetch(_RUNS_OF, [workspace for workspace, _ in keys], [key for _, key in keys])
    return _by_key((row[0], row[1], row[2:]) for row in rows)


async def add_links(connection: Connection, links: Sequence[tuple[UUID, Link]], recorded_at: int) -> None:
    """Note what touchpoints said."""
    if not links:
        return
    ordered = sorted(links, key=lambda row: (row[0].int, row[1]))
    await connection.execute(
        _ADD_LINKS,
        [workspace for workspace, _ in ordered],
        *([getattr(link, name) for _, link in ordered] for name in ("key", "at", "id", "target", "origin")),
        recorded_at,
    )


async def beside(connection: Connection, links: Sequence[tuple[UUID, Link]]) -> list[tuple[UUID, Link, bool]]:
    """These links, once noted, and the one after each: whether it begins a run of its key."""
    if not links:
        return []
    rows = await connection.fetch(
        _BESIDE,
        [workspace for workspace, _ in links],
        *([getattr(link, name) for _, link in links] for name in ("key", "at", "id")),
    )
    return [(row[0], Link(row[1], row[2], row[3], row[4], Origin(row[5])), row[6]) for row in rows]


async def void_conclusions(connection: Connection, keys: Collection[WorkspaceKey], limit: int) -> RunsByKey:
    """The inferred runs of crowded keys, as they are kept, at most ``limit`` of each."""
    rows = await connection.fetch(_CONCLUDED, [workspace for workspace, _ in keys], [key for _, key in keys], limit)
    return _by_key((row[0], row[1], row[2:]) for row in rows)


async def replace_runs(connection: Connection, before: Mapping[WorkspaceKey, Sequence[Run]], after: RunsByKey) -> None:
    """Make the stored runs of the keys in ``after`` what it says, given what they were; void ones that stay may be left
    out of both.
    """
    gone = [(key[0], run) for key, runs in after.items() for run in set(before.get(key, ())) - set(runs)]
    fresh = [(key[0], run) for key, runs in after.items() for run in set(runs) - set(before.get(key, ()))]
    if gone:
        await connection.execute(
            _REMOVE_RUNS,
            [workspace for workspace, _ in gone],
            *([getattr(run, name) for _, run in gone] for name in ("key", "at", "id", "via")),
        )
    if fresh:
        await connection.execute(
            _ADD_RUNS,
            [workspace for workspace, _ in fresh],
            *([getattr(run, name) for _, run in fresh] for name in ("key", "at", "id", "target", "origin", "via")),
        )


def _by_key(rows: Iterable[tuple[UUID, str, Sequence[object]]]) -> RunsByKey:
    found: dict[WorkspaceKey, list[Run]] = {}
    for workspace, key, (at, touchpoint_id, target, origin, via) in rows:
        runs = found.setdefault((workspace, key), [])
        if at is not None:
            runs.append(Run(key, at, touchpoint_id, target, Origin(origin), via))  # type: ignore[arg-type]
    return {key: tuple(sorted(runs, key=lambda run: (run.at, run.id, run.target))) for key, runs in found.items()}
