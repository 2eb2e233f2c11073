"""The logs the contract suite runs on, and what the tests may do to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from shared.database.roles import Role
from shared.streaming.connect import LogKind, LogSettings, open_log
from shared.streaming.limits import Limits
from shared.streaming.ports import Log

WEEK_SECONDS = 7 * 24 * 3600


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
        return open_log(self.settings(limits))

    def settings(self, limits: Limits | None = None) -> LogSettings:
        """What it takes to open it, also in another process."""
        return LogSettings(
            kind=self.kind,
            dsn=self.where if self.kind == "postgres" else "",
            role=Role.SCORING_WORKER,
            servers=self.where if self.kind == "kafka" else "",
            limits=limits or Limits(),
        )

    def name(self) -> str:
        """A fresh name."""
        return f"{self.prefix}.{next(self.numbers)}"

    async def topic(self, partitions: int = 4, retention_seconds: int = WEEK_SECONDS) -> str:
        """A fresh topic."""
        topic = self.name()
        admin = self.open().admin()
        try:
            await admin.ensure(topic, partitions, retention_seconds)
        finally:
            await admin.close()
        return topic
