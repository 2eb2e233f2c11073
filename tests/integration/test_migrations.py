"""The schema of the migrations is the schema of the tables in the code, and every migration can be taken back."""

import asyncio

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from shared.database.engine import create_engine
from shared.database.migrate import current, downgrade, head, upgrade
from shared.database.roles import Role
from shared.embedded.cluster import LOGIN
from tests.cli import tragt
from tests.conftest import Databases
from tests.schema import declared_metadata


async def test_tables_in_the_code_are_the_tables_in_the_database(database: str) -> None:
    declared = declared_metadata()
    schemas = {metadata.schema for metadata in declared}

    def differences(connection: Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name in schemas,
            "include_object": lambda thing, _name, kind, reflected, _other: (
                not (kind == "table" and reflected and thing.name in _partitions(connection))
            ),
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared))  # type: ignore[arg-type]

    engine = create_engine(database, Role.OWNER, size=1)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert schemas == {"access", "streaming", "ingest", "scoring", "metrics"}
    assert found == []


async def test_every_migration_can_be_taken_back_and_made_again(databases: Databases) -> None:
    name = await databases.create(template="template0")
    dsn = databases.dsn(name)
    try:
        await upgrade(dsn)
        made = databases.server.schema_of(name)
        await downgrade(dsn, "base")
        taken_back = databases.server.schema_of(name)
        await upgrade(dsn)
        made_again = databases.server.schema_of(name)
        revision = await current(dsn)
    finally:
        await databases.drop(name)

    assert not [line for line in taken_back if line.startswith("CREATE") and "migration" not in line]
    assert made == made_again
    assert len(made) > len(taken_back)
    assert revision == head()


async def test_a_database_of_a_later_version_is_left_alone_and_told_of(databases: Databases) -> None:
    name = await databases.create()
    dsn = databases.dsn(name)
    try:
        connection = await asyncpg.connect(dsn)
        await connection.execute(f"SET ROLE {Role.OWNER}")
        await connection.execute("UPDATE migration.version SET version_num = '9999'")
        await connection.close()
        told = await asyncio.to_thread(tragt, "migrate", "--database", dsn)
        at = await current(dsn)
    finally:
        await databases.drop(name)

    assert (told.code, "at schema 9999, which a later version of tragt made" in told.err) == (2, True)
    assert at == "9999"


@pytest.mark.parametrize("table", ["access.workspace", "access.key"])
async def test_a_service_login_owns_nothing(admin_dsn: str, table: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        owned = await administrator.fetchval(
            "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = $1)", LOGIN
        )
        owner = await administrator.fetchval(
            "SELECT relowner::regrole::text FROM pg_class WHERE oid = $1::regclass", table
        )
    finally:
        await administrator.close()

    assert owned == 0
    assert owner == Role.OWNER


def _partitions(connection: Connection) -> frozenset[str]:
    rows = connection.exec_driver_sql("SELECT relname::text FROM pg_class WHERE relispartition")
    return frozenset(row[0] for row in rows)
