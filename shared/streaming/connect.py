"""Opens the log that the settings name. The only place that knows both implementations."""

from dataclasses import dataclass, field
from typing import Literal, assert_never

from shared.contracts.topics import TOPICS
from shared.database.roles import Role
from shared.settings import LogSettings as ServiceLogSettings
from shared.streaming.kafka.log import KafkaLog
from shared.streaming.limits import Limits
from shared.streaming.ports import Log, LogAdmin
from shared.streaming.postgres.log import PostgresLog

LogKind = Literal["postgres", "kafka"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Which log and where: ``dsn`` and ``role`` are for ``postgres``, ``servers`` for ``kafka``."""

    kind: LogKind
    dsn: str = ""
    role: Role = Role.INGEST_WORKER
    servers: str = ""
    limits: Limits = field(default_factory=Limits)


def open_log(settings: LogSettings) -> Log:
    """The log of these settings."""
    match settings.kind:
        case "postgres":
            return PostgresLog(settings.dsn, settings.role, settings.limits)
        case "kafka":
            return KafkaLog(settings.servers, settings.limits)
        case _:
            assert_never(settings.kind)


def log_of(settings: ServiceLogSettings, role: Role) -> Log:
    """The log that a service's settings name, reached as ``role``."""
    dsn = settings.dsn.get_secret_value() if settings.dsn else ""
    return open_log(LogSettings(kind=settings.kind, dsn=dsn, role=role, servers=",".join(settings.kafka_servers)))


async def ensure_topics(admin: LogAdmin) -> None:
    """Create the topics of the registry that do not exist. Raises Misconfigured, Unavailable."""
    for topic in TOPICS.values():
        await admin.ensure(topic.name, topic.partitions, topic.retention_seconds)
