"""Sums of what advertising cost."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from shared.database.connection import Connection

GROUPINGS: Final = {
    "day": "day",
    "channel": "channel",
    "source": "source",
    "account": "account_id",
    "campaign": "campaign_id",
}
"""By what costs are summed, and the column of each."""


async def sums(  # noqa: PLR0917  (a query's conditions)
    connection: Connection,
    workspace: UUID,
    start: date,
    end: date,
    by: Sequence[str],
    currency: str | None,
    limit: int,
) -> Sequence[Any]:
    """A row per group and currency, in the order of the groups; ``end`` is the day after the last.

    ``campaign_name`` is the latest one of the group.
    """
    columns = ", ".join([*(GROUPINGS[name] for name in by), "currency"])
    statement = f"""
        SELECT {columns}, sum(cost) AS cost, sum(impressions) AS impressions, sum(clicks) AS clicks,
            sum(conversions) AS conversions, (array_agg(campaign_name ORDER BY day DESC))[1] AS campaign_name
        FROM metrics.cost
        WHERE workspace_id = $1 AND day >= $2 AND day < $3 AND ($4::text IS NULL OR currency = $4)
        GROUP BY {columns} ORDER BY {columns} LIMIT $5
    """  # noqa: S608  (a closed list of names)
    return await connection.fetch(statement, workspace, start, end, currency, limit)
