"""Parts that tests share: one real PostgreSQL per run, a migrated database per test. What is missing fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count

import asyncpg
import pytest
from hypothesis import settings

from shared.database.migrate import upgrade
from shared.database.roles import Role, ensure_roles
from shared.embedded.cluster import LOGIN
from tests.kafka_broker import KafkaBroker, running_broker
from tests.parts import require
from tests.postgres_server import PostgresServer, running_server

_TEMPLATE = "tragt_template"

# A busy machine is no failure: how long a test may take is pytest's timeout.
settings.register_profile("tragt", deadline=None)
settings.load_profile("tragt")


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes throw-away databases on one server, each a copy of a migrated template."""

    server: PostgresServer
    numbers: Iterator[int]

    async def create(self, template: str = _TEMPLATE) -> str:
        """The name of a new copy of ``template``."""
        name = f"test_{next(self.numbers)}"
        await self._administer(f"CREATE DATABASE {name} OWNER {Role.OWNER} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        """Drop it, whoever is still connected."""
        await self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def dsn(self, name: str) -> str:
        """For a service: a login that owns nothing and only may become the services' roles."""
        return self.server.dsn(name, LOGIN)

    def admin_dsn(self, name: str) -> str:
        """For looking at everything, row-level security aside."""
        return self.server.dsn(name)

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole run, its cluster empty but for the templates."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres_server: PostgresServer) -> Databases:
    """For tests that need several databases, or one per example; others take ``database``."""
    asyncio.run(_make_template(postgres_server))
    return Databases(postgres_server, count(1))


@pytest.fixture
async def database_name(databases: Databases) -> AsyncIterator[str]:
    """A migrated database of this test's own, gone afterwards."""
    name = await databases.create()
    yield name
    await databases.drop(name)


@pytest.fixture
def database(databases: Databases, database_name: str) -> str:
    """DSN of a migrated database of this test's own, as a service connects to it."""
    return databases.dsn(database_name)


@pytest.fixture
def admin_dsn(databases: Databases, database_name: str) -> str:
    """DSN of the same database as its superuser."""
    return databases.admin_dsn(database_name)


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """One real broker for tests that only use the log; tests that kill brokers start their own."""
    require("java", "default-jre-headless")
    require("mvn", "maven")
    with running_broker() as broker:
        yield broker


async def _make_template(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f"CREATE ROLE {LOGIN} LOGIN")
        await ensure_roles(connection, LOGIN)
        await connection.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {Role.OWNER}")
    finally:
        await connection.close()
    await upgrade(server.dsn(_TEMPLATE, LOGIN))
