"""What a transaction must know of the workspaces it works for: their secret and their present model version."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

_CURRENT: Final = """
    SELECT w.id, w.secret, coalesce((SELECT max(m.version) FROM scoring.model AS m WHERE m.workspace_id = w.id), 0)
    FROM access.workspace AS w WHERE w.id = ANY($1::uuid[])
"""
_BODY: Final = "SELECT body FROM scoring.model WHERE workspace_id = $1 AND version = $2"


class Current(NamedTuple):
    """A workspace's secret, and the number of its newest published model (0: none, the template holds)."""

    secret: bytes
    model_version: int


async def current(connection: asyncpg.Connection, workspaces: Collection[UUID]) -> dict[UUID, Current]:
    """The workspaces that exist among these."""
    return {row[0]: Current(row[1], row[2]) for row in await connection.fetch(_CURRENT, list(workspaces))}


async def body(connection: asyncpg.Connection, workspace: UUID, version: int) -> str:
    """The YAML of a published model. Raises LookupError when there is none."""
    found = await connection.fetchval(_BODY, workspace, version)
    if found is None:
        message = f"workspace {workspace} has no model version {version}"
        raise LookupError(message)
    return str(found)
