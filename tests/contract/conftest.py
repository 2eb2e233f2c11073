"""One suite over both logs: on servers shared by the run, and on servers of this suite's own that may be killed."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

import pytest

from shared.streaming.ports import Consumer, Log, LogAdmin, Producer
from tests.contract.effects import Effects
from tests.contract.logs import LogKind, LogUnderTest, Server
from tests.durable_postgres import DurablePostgres, running_postgres
from tests.kafka_broker import KafkaBroker, running_broker
from tests.parts import require

_P = TypeVar("_P", Producer, Consumer, LogAdmin)
_KINDS: tuple[LogKind, ...] = ("postgres", "kafka")


@dataclass(frozen=True, slots=True)
class Mortal:
    """A log whose server may be killed, and a database for positions (the log's own, if it is in one)."""

    log: LogUnderTest
    server: Server
    database: DurablePostgres


@pytest.fixture(params=_KINDS)
def log(request: pytest.FixtureRequest) -> LogUnderTest:
    """A log that lives as long as the run."""
    prefix = f"t{os.getpid()}.{abs(hash(request.node.nodeid))}"
    if request.param == "postgres":
        return LogUnderTest("postgres", request.getfixturevalue("database"), prefix)
    return LogUnderTest("kafka", request.getfixturevalue("kafka_broker").servers, prefix)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[DurablePostgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mortal_broker() -> Iterator[KafkaBroker]:
    require("java", "default-jre-headless")
    require("mvn", "maven")
    with running_broker() as broker:
        yield broker


@pytest.fixture(params=_KINDS)
def mortal(request: pytest.FixtureRequest, durable_postgres: DurablePostgres) -> Mortal:
    """A log that tests may kill, freeze and start again; they leave it running."""
    prefix = f"m{os.getpid()}.{abs(hash(request.node.nodeid))}"
    if request.param == "postgres":
        return Mortal(LogUnderTest("postgres", durable_postgres.dsn, prefix), durable_postgres, durable_postgres)
    broker: KafkaBroker = request.getfixturevalue("mortal_broker")
    return Mortal(LogUnderTest("kafka", broker.servers, prefix), broker, durable_postgres)


class Parts:
    """Makes the parts of a log that a test needs, and closes them after it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    def producer(self, log: Log) -> Producer:
        return self._closing(log.producer())

    def consumer(self, log: Log, group: str, topic: str, member_id: str = "one") -> Consumer:
        return self._closing(log.consumer(group, topic, member_id))

    def admin(self, log: Log) -> LogAdmin:
        return self._closing(log.admin())

    def _closing(self, part: _P) -> _P:
        self._stack.push_async_callback(part.close)
        return part


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        yield Parts(stack)


@pytest.fixture
async def effects(database: str, admin_dsn: str) -> AsyncIterator[Effects]:
    """Where handlers of a test leave their mark, in a database of its own."""
    async with Effects.open(database, admin_dsn) as opened:
        yield opened


@pytest.fixture
async def mortal_effects(durable_postgres: DurablePostgres) -> AsyncIterator[Effects]:
    """The same in the database that may be killed."""
    async with Effects.open(durable_postgres.dsn, durable_postgres.admin_dsn) as opened:
        yield opened
