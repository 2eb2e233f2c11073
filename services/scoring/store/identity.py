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
        FROM up JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key
    )
    SELECT up.workspace_id, up.key, r.at, r.id, r.target, r.origin, r.via
    FROM up LEFT JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key
"""
_KEYS_UP: Final = """
    WITH RECURSIVE up (workspace_id, key) AS (
        SELECT k.workspace_id, k.key COLLATE "C" FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
        UNION
        SELECT r.workspace_id, r.target
        FROM up JOIN scoring.run AS r ON r.workspace_id = up.workspace_id AND r.key = up.key
    )
    SELECT up.workspace_id, up.key, EXISTS (
        SELECT FROM scoring.lead AS l WHERE l.workspace_id = up.workspace_id AND l.key = up.key
    ) FROM up
"""
_DOWN: Final = """
    WITH RECURSIVE down (root, workspace_id, key) AS (
        SELECT k.key COLLATE "C", k.workspace_id, k.key COLLATE "C"
        FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
        UNION
        SELECT down.root, r.workspace_id, r.key
        FROM down JOIN scoring.run AS r ON r.workspace_id = down.workspace_id AND r.target = down.key
    )
    SELECT down.root, down.workspace_id, down.key, r.at, r.id, r.target, r.origin, r.via
    FROM down LEFT JOIN scoring.run AS r ON r.workspace_id = down.workspace_id AND r.key = down.key
"""
_ADD_LINKS: Final = """
    INSERT INTO scoring.link (workspace_id, key, at, id, target, origin, recorded_at)
    SELECT l.workspace_id, l.key, l.at, l.id, l.target, l.origin, $7
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    AS l (workspace_id, key, at, id, target, origin)
"""
_RESCAN: Final = """
    WITH ordered AS (
        SELECT l.workspace_id, l.key, l.at, l.id, l.target, l.origin,
            lag(l.target) OVER same_key AS target_before, lag(l.origin) OVER same_key AS origin_before
        FROM unnest($1::uuid[], $2::text[]) AS k (workspace_id, key)
        JOIN scoring.link AS l ON l.workspace_id = k.workspace_id AND l.key = k.key
        WINDOW same_key AS (PARTITION BY l.workspace_id, l.key ORDER BY l.at, l.id)
    )
    SELECT workspace_id, key, at, id, target, origin FROM ordered
    WHERE origin = 'split' OR (target, origin) IS DISTINCT FROM (target_before, origin_before)
    ORDER BY workspace_id, key, at, id
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


async def trees_down(connection: Connection, roots: Collection[WorkspaceKey]) -> dict[WorkspaceKey, RunsByKey]:
    """For each of these keys: itself and all below it, with their runs."""
    rows = await connection.fetch(_DOWN, [workspace for workspace, _ in roots], [key for _, key in roots])
    by_root: dict[WorkspaceKey, list[tuple[UUID, str, tuple[object, ...]]]] = {}
    for row in rows:
        by_root.setdefault((row[1], row[0]), []).append((row[1], row[2], row[3:]))
    return {root: _by_key(found) for root, found in by_root.items()}


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


async def rescan(connection: Connection, keys: Collection[WorkspaceKey]) -> RunsByKey:
    """The runs (without inferred ones) of keys from all their links."""
    if not keys:
        return {}
    rows = await connection.fetch(_RESCAN, [workspace for workspace, _ in keys], [key for _, key in keys])
    found: dict[WorkspaceKey, list[Run]] = {key: [] for key in keys}
    for row in rows:
        found[row[0], row[1]].append(Run(row[1], row[2], row[3], row[4], Origin(row[5])))
    return {key: tuple(runs) for key, runs in found.items()}


async def replace_runs(connection: Connection, before: Mapping[WorkspaceKey, Sequence[Run]], after: RunsByKey) -> None:
    """Make the stored runs of the keys in ``after`` what it says, given what they were."""
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
