"""The logs the contract suite runs on, and what the tests may do to them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol

from pydantic import SecretStr

from shared.database.roles import Role
from shared.errors import Unavailable
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.streaming.limits import Limits
from shared.streaming.ports import Log
from tests.waiting import eventually

WEEK_SECONDS = 7 * 24 * 3600

LogKind = Literal["postgres", "kafka"]


def log_settings(kind: LogKind, where: str) -> LogSettings:
    """What a service would be given."""
    if kind == "postgres":
        return LogSettings(kind=kind, dsn=SecretStr(where))
    return LogSettings(kind=kind, kafka_servers=(where,))


class Server(Protocol):
    """What keeps a log's records: a broker or a database."""

    def kill(self) -> None: ...
    def start(self) -> None: ...
    def launch(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LogUnderTest:
    """One real log. ``name`` makes a topic's or group's name that no other test uses."""

    kind: LogKind
    where: str
    prefix: str
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self, limits: Limits | None = None) -> Log:
        """The log, as a service opens it."""
        return open_log(log_settings(self.kind, self.where), Role.SCORING_WORKER, limits)

    def name(self) -> str:
        """A fresh name."""
        return f"{self.prefix}.{next(self.numbers)}"

    async def topic(self, partitions: int = 4, retention_seconds: int = WEEK_SECONDS) -> str:
        """A fresh topic."""
        topic = self.name()
        admin = self.open().admin()

        async def made() -> bool:
            with suppress(Unavailable):
                await admin.ensure(topic, partitions, retention_seconds)
                return True
            return False

        try:
            await eventually(made, within_seconds=60, what=f"the {self.kind} log takes a topic")
        finally:
            await admin.close()
        return topic
