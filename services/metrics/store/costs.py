"""Taking costs: a row replaces the one of the same key, and one that says the same changes nothing."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.metrics.domain.cost import KEY, Cost
from shared.database.connection import Connection

_TYPES: Final = ("date", *("text",) * 8, "numeric", "bigint", "bigint", "numeric")
_VALUES: Final = Cost._fields[len(KEY) :]
_PUT: Final = f"""
    INSERT INTO metrics.cost AS kept (workspace_id, {", ".join(Cost._fields)})
    SELECT $1, one.* FROM unnest({", ".join(f"${at}::{kind}[]" for at, kind in enumerate(_TYPES, 2))}) AS one
    ON CONFLICT (workspace_id, {", ".join(KEY)})
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _VALUES)}
    WHERE ({", ".join(f"kept.{name}" for name in _VALUES)})
        IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _VALUES)})
"""  # noqa: S608  (closed lists of names)


async def put(connection: Connection, workspace: UUID, costs: Sequence[Cost]) -> int:
    """Keep rows of different keys; returns how many were new or said something else than before."""
    # In the order of their keys, so that two that send the same rows wait for each other instead of both giving up.
    columns = zip(*sorted(costs), strict=True) if costs else ()
    done: str = await connection.execute(_PUT, workspace, *map(list, columns)) if costs else "0"
    return int(done.rpartition(" ")[2])
