"""Costs come in row by row, and are summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.metrics.domain.cost import Cost, cost_of
from services.metrics.queries import costs as queries
from services.metrics.queries.costs import GROUPINGS as GROUPINGS  # noqa: PLC0414  (routes take it from here)
from services.metrics.queries.snapshot import looking
from services.metrics.store import costs as store
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import FieldFault, InvalidRequest

MOST_GROUPS: Final = 10_000

REPEATED: Final = "repeated"
"""Code of a row whose key an earlier row of the same request has."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of rows: how many changed what was kept, how many were kept already, and which are refused."""

    changed: int
    unchanged: int
    refused: Sequence[tuple[int, FieldFault]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which costs are summed, by what; ``end`` is the day after the last."""

    start: date
    end: date
    by: tuple[str, ...]
    currency: str | None


async def take(pool: Pool, workspace: UUID, rows: Sequence[object]) -> Taken:
    """Keep what can be read, refuse the rest row by row. Raises Transient; then nothing is kept."""
    good: dict[tuple[object, ...], Cost] = {}
    refused: list[tuple[int, FieldFault]] = []
    for index, row in enumerate(rows):
        try:
            cost = cost_of(row)
        except InvalidRequest as error:
            refused.append((index, error.faults[0]))
            continue
        if cost.key in good:
            detail = "an earlier row of this request is of the same day, source, account, campaign, group and ad"
            refused.append((index, FieldFault("", REPEATED, detail)))
            continue
        good[cost.key] = cost
    async with borrowed(pool) as connection, connection.transaction():
        changed = await store.put(connection, workspace, list(good.values()))
    return Taken(changed, len(good) - changed, refused)


async def summed(pool: Pool, workspace: UUID, wanted: Wanted) -> Sequence[Any]:
    """The sums by group and currency. Raises Transient, or InvalidRequest when there are more than MOST_GROUPS."""
    async with looking(pool, workspace) as connection:
        rows = await queries.sums(
            connection, workspace, wanted.start, wanted.end, wanted.by, wanted.currency, MOST_GROUPS + 1
        )
    if len(rows) > MOST_GROUPS:
        detail = f"more than {MOST_GROUPS} groups: ask for fewer days, or by less"
        raise InvalidRequest(FieldFault("by", "too_many_items", detail))
    return rows
