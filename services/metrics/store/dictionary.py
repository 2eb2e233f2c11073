"""The numbers under which zones and attribute values are counted. A number, once given, stays."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.metrics.domain.calendar import UTC_DAYS, Calendar, Days, Hours
from services.metrics.domain.contribution import REST
from shared.database.connection import Connection

VALUES_PER_DIMENSION: Final = 200
"""So many values of a dimension are counted each by itself, the others together as the rest."""

_CALENDARS: Final = """
    SELECT workspace_id, id, zone FROM metrics.calendar WHERE workspace_id = ANY ($1::uuid[]) ORDER BY workspace_id, id
"""
_DECLARE: Final = """
    INSERT INTO metrics.calendar (workspace_id, id, zone, is_counted)
    SELECT w.workspace_id, z.id, z.zone, true
    FROM unnest($1::uuid[]) AS w (workspace_id) CROSS JOIN unnest($2::smallint[], $3::text[]) AS z (id, zone)
    ORDER BY w.workspace_id, z.id
    ON CONFLICT (workspace_id, id) DO NOTHING
"""
_KNOWN: Final = """
    SELECT v.workspace_id, v.dimension, v.value, v.number
    FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS k (workspace_id, dimension, value)
    JOIN metrics.attribute_value v
        ON v.workspace_id = k.workspace_id AND v.dimension = k.dimension AND v.value = k.value
"""
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended(w.workspace_id::text, 0))
    FROM unnest($1::uuid[]) AS w (workspace_id) ORDER BY w.workspace_id
"""
_ADMIT: Final = """
    INSERT INTO metrics.attribute_value (workspace_id, dimension, value, number)
    SELECT n.workspace_id, n.dimension, n.value, CASE WHEN n.number <= $4 THEN n.number ELSE $5 END
    FROM (
        SELECT k.workspace_id, k.dimension, k.value,
            row_number() OVER (PARTITION BY k.workspace_id, k.dimension ORDER BY k.value) + coalesce((
                SELECT max(v.number) FROM metrics.attribute_value v
                WHERE v.workspace_id = k.workspace_id AND v.dimension = k.dimension
            ), 0) AS number
        FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS k (workspace_id, dimension, value)
    ) n
    ORDER BY n.workspace_id, n.dimension, n.value
    ON CONFLICT (workspace_id, dimension, value) DO NOTHING
"""

Value = tuple[UUID, int, str]
"""Workspace, dimension and value."""


async def calendars(
    connection: Connection, workspaces: Sequence[UUID], zones: Sequence[str]
) -> dict[UUID, tuple[Calendar, ...]]:
    """The calendars each workspace counts in. One seen for the first time gets UTC and ``zones``."""
    found = await _calendars(connection, workspaces)
    fresh = [workspace for workspace in workspaces if workspace not in found]
    if fresh:
        names = zone_numbers(zones)
        await connection.execute(_DECLARE, fresh, list(names.values()), list(names))
        found = await _calendars(connection, workspaces)
    return found


def zone_numbers(zones: Sequence[str]) -> dict[str, int]:
    """Ids of the calendars of these zones: UTC first, then in the order given."""
    return {zone: UTC_DAYS + place for place, zone in enumerate(dict.fromkeys(("UTC", *zones)))}


async def _calendars(connection: Connection, workspaces: Sequence[UUID]) -> dict[UUID, tuple[Calendar, ...]]:
    found: dict[UUID, tuple[Calendar, ...]] = {}
    for row in await connection.fetch(_CALENDARS, workspaces):
        before = found.get(row["workspace_id"], (Hours(),))
        found[row["workspace_id"]] = (*before, Days(row["id"], ZoneInfo(row["zone"])))
    return found


async def value_numbers(connection: Connection, values: Sequence[Value]) -> Mapping[Value, int]:
    """The number of each value, given now to those seen for the first time while the dimension has room.

    Giving is one at a time per workspace, until the transaction ends.
    """
    found = await _known(connection, values)
    fresh = sorted(value for value in values if value not in found)
    if fresh:
        await connection.execute(_ALONE, sorted({workspace for workspace, _, _ in fresh}))
        found |= await _known(connection, fresh)
        fresh = [value for value in fresh if value not in found]
        await connection.execute(_ADMIT, *_columns(fresh), VALUES_PER_DIMENSION, REST)
        found |= await _known(connection, fresh)
    return found


async def _known(connection: Connection, values: Sequence[Value]) -> dict[Value, int]:
    rows = await connection.fetch(_KNOWN, *_columns(values))
    return {(row["workspace_id"], row["dimension"], row["value"]): row["number"] for row in rows}


def _columns(values: Sequence[Value]) -> tuple[list[UUID], list[int], list[str]]:
    return [value[0] for value in values], [value[1] for value in values], [value[2] for value in values]
