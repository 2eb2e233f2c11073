"""What is linked to roots, as far as a list can afford to look: each root costs so much and no more."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.scoring.domain.identity import Origin, Run
from shared.database.connection import Connection

MOST_KEYS: Final = 32
"""Keys read below one root, itself included."""
MOST_LINKED: Final = 128
"""Runs read that lead to one key. More than keys: a device that two people share goes back and forth."""
MOST_RUNS: Final = 16
"""Runs of one key that are looked at all together; of a key with more only the newest are read."""

# The limit of each root stops the recursion; that of each key stops a key from which the same others are met for ever.
_BELOW: Final = """
    SELECT k.key, below.key, linked.runs, r.at, r.id, r.target, r.origin, r.via
    FROM unnest($2::text[]) AS k (key)
    CROSS JOIN LATERAL (
        WITH RECURSIVE down (key) AS (
            SELECT k.key COLLATE "C"
            UNION
            SELECT link.key FROM down CROSS JOIN LATERAL (
                SELECT r.key FROM scoring.run AS r
                WHERE r.workspace_id = $1 AND r.target = down.key AND r.origin <> 'void' LIMIT $4
            ) AS link
        )
        SELECT down.key FROM down LIMIT $3
    ) AS below
    CROSS JOIN LATERAL (
        SELECT count(*) AS runs FROM (
            SELECT FROM scoring.run AS r
            WHERE r.workspace_id = $1 AND r.target = below.key AND r.origin <> 'void' LIMIT $4
        ) AS counted
    ) AS linked
    LEFT JOIN LATERAL (
        SELECT r.at, r.id, r.target, r.origin, r.via FROM scoring.run AS r
        WHERE r.workspace_id = $1 AND r.key = below.key AND r.origin <> 'void'
        ORDER BY r.at DESC, r.id DESC, r.via DESC LIMIT $5
    ) AS r ON true
"""


class Newest(NamedTuple):
    """The newest runs of a key in order, and whether those are all it has."""

    runs: tuple[Run, ...]
    is_all: bool


class Below(NamedTuple):
    """Keys below a root with their runs, itself included, and whether those are all the keys there are."""

    keys: dict[str, Newest]
    is_all: bool


async def some_below(connection: Connection, workspace: UUID, roots: Sequence[str]) -> dict[str, Below]:
    """For each root: itself and keys below it, over links at any time, up to what one root may cost."""
    rows = await connection.fetch(_BELOW, workspace, roots, MOST_KEYS + 1, MOST_LINKED + 1, MOST_RUNS + 1)
    runs: dict[str, dict[str, list[Run]]] = {root: {} for root in roots}
    cut: set[str] = set()
    for root, key, linked, at, touchpoint_id, target, origin, via in rows:
        of_key = runs[root].setdefault(key, [])
        if at is not None:
            of_key.append(Run(key, at, touchpoint_id, target, Origin(origin), via))
        if linked > MOST_LINKED:
            cut.add(root)
    return {
        root: Below({key: _newest(of_key) for key, of_key in keys.items()}, root not in cut and len(keys) <= MOST_KEYS)
        for root, keys in runs.items()
    }


def _newest(runs: list[Run]) -> Newest:
    return Newest(tuple(sorted(runs, key=lambda run: (run.at, run.id, run.target))), len(runs) <= MOST_RUNS)
