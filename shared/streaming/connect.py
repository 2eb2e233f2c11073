"""Opens the log that the settings name. The only place that knows both implementations."""

import asyncio
from contextlib import suppress
from typing import Final

from shared.contracts.topics import TOPICS
from shared.database.roles import Role
from shared.errors import Transient
from shared.settings import LogSettings
from shared.streaming.kafka.brokers import brokers_of
from shared.streaming.kafka.log import KafkaLog
from shared.streaming.limits import Limits
from shared.streaming.ports import Log, LogAdmin
from shared.streaming.postgres.log import PostgresLog

_RETRY_SECONDS: Final = 0.25

_KAFKA_BATCH_BYTES: Final = 512 * 1024
"""Each partition has one under way, of which the client makes four copies until it is sent."""


def open_log(settings: LogSettings, role: Role, limits: Limits | None = None) -> Log:
    """The log of these settings, in a database reached as ``role``, which must be a worker's. Raises Misconfigured."""
    if settings.dsn is not None and settings.kind == "postgres":
        return PostgresLog(settings.dsn.get_secret_value(), role, limits or Limits())
    return KafkaLog(brokers_of(settings), limits or Limits(max_batch_bytes=_KAFKA_BATCH_BYTES))


async def topics_ready(log: Log, stop: asyncio.Event) -> bool:
    """Make sure that the topics exist, however long the log takes to be there.

    False when ``stop`` was set first. Raises Misconfigured.
    """
    admin = log.admin()
    try:
        while not stop.is_set():
            try:
                await ensure_topics(admin)
            except Transient:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
            else:
                return True
    finally:
        await admin.close()
    return False


async def ensure_topics(admin: LogAdmin) -> None:
    """Create the topics of the registry that do not exist. Raises Misconfigured, Unavailable."""
    for topic in TOPICS.values():
        await admin.ensure(topic.name, topic.partitions, topic.retention_seconds)
