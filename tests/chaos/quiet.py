"""Waiting for quiet: everything appended is processed, caught up, published and counted."""

import asyncio
from typing import Final

import asyncpg

from shared.database.roles import Role
from shared.errors import Transient
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.streaming.ports import Log
from shared.vocabulary import Group, TopicName
from tests.chaos.cluster import Running

_READS: Final = {
    Group.SCORING_TOUCHPOINTS: TopicName.TOUCHPOINTS,
    Group.METRICS_CHANGES: TopicName.CHANGES,
    Group.INGEST_REJECTIONS: TopicName.REJECTIONS,
}
_STEADY: Final = 3
"""So many looks in a row must find quiet: between publishing and counting there is an instant without work."""


async def until_quiet(product: Running, within_seconds: float) -> str | None:
    """None once all is quiet, or what still moves when the time is over."""
    settings = LogSettings.model_validate(
        {
            "kind": product.log,
            "dsn": product.postgres.dsn(),
            "kafka_servers": product.broker.servers if product.broker else "",
        }
    )
    log = open_log(settings, Role.INGEST_WORKER)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    quiet, moving = 0, "nothing was looked at"
    while loop.time() < deadline:
        try:
            found = await _moving(product, log)
        except (Transient, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            found = f"cannot look: {error}"
        quiet = 0 if found else quiet + 1
        if quiet >= _STEADY:
            await log.close()
            return None
        moving = found or moving
        await asyncio.sleep(0.3)
    await log.close()
    return moving


async def _moving(product: Running, log: Log) -> str | None:
    connection = await asyncpg.connect(product.dsn, timeout=5)
    admin = log.admin()
    try:
        for group, topic in _READS.items():
            ends = await admin.ends(topic)
            rows = await connection.fetch(
                "SELECT partition, next_offset FROM streaming.position WHERE consumer_group = $1 AND topic = $2",
                group.value,
                topic.value,
            )
            at = {row[0]: row[1] for row in rows}
            behind = sum(max(0, end - at.get(partition.index, 0)) for partition, end in ends.items())
            if behind:
                return f"{group} is {behind} records behind"
        stale = await connection.fetchval("SELECT count(*) FROM scoring.lead WHERE stale_at IS NOT NULL")
        if stale:
            return f"{stale} leads wait to be caught up"
        unpublished = await connection.fetchval("SELECT count(*) FROM streaming.outbox WHERE NOT published")
        return f"{unpublished} messages are not published" if unpublished else None
    finally:
        await admin.close()
        await connection.close()
