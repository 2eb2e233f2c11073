"""What a transaction must know of the workspaces it works for: their secret and their published model versions."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

_CURRENT: Final = """
    SELECT w.id, w.secret, m.versions, m.instants FROM access.workspace AS w
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(m.version ORDER BY m.version), '{}') AS versions,
            coalesce(array_agg(m.published_at ORDER BY m.version), '{}') AS instants
        FROM scoring.model AS m WHERE m.workspace_id = w.id
    ) AS m
    WHERE w.id = ANY($1::uuid[])
"""
_BODY: Final = "SELECT body FROM scoring.model WHERE workspace_id = $1 AND version = $2"


class Current(NamedTuple):
    """A workspace's secret, and (version, published at) of its models in order; without one the template holds."""

    secret: bytes
    published: tuple[tuple[int, int], ...]


async def current(connection: asyncpg.Connection, workspaces: Collection[UUID]) -> dict[UUID, Current]:
    """The workspaces that exist among these."""
    rows = await connection.fetch(_CURRENT, list(workspaces))
    return {row[0]: Current(row[1], tuple(zip(row[2], row[3], strict=True))) for row in rows}


async def body(connection: asyncpg.Connection, workspace: UUID, version: int) -> str:
    """The YAML of a published model. Raises LookupError when there is none."""
    found = await connection.fetchval(_BODY, workspace, version)
    if found is None:
        message = f"workspace {workspace} has no model version {version}"
        raise LookupError(message)
    return str(found)
