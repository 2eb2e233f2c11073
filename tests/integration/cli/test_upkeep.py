import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.cli.first_workspace import ensure_workspace
from shared.database.roles import Role
from tests.cli import tragt
from tests.conftest import Databases

NOW = 1_700_000_000_000_000


@pytest.fixture
async def empty_database(databases: Databases) -> AsyncIterator[str]:
    """A database as an administrator hands it over: nothing in it, and the roles may be taken on."""
    name = await databases.create("template1")
    administrator = await asyncpg.connect(databases.admin_dsn(name))
    await administrator.execute(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    await administrator.execute(f"GRANT CREATE ON DATABASE {name} TO {Role.OWNER}")
    await administrator.close()
    yield databases.dsn(name)
    await databases.drop(name)


@pytest.fixture
async def closed_database(databases: Databases) -> AsyncIterator[str]:
    """A database of somebody else's, in which nobody has prepared anything for us."""
    name = await databases.create("template1")
    administrator = await asyncpg.connect(databases.admin_dsn(name))
    await administrator.execute(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    await administrator.close()
    yield databases.dsn(name)
    await databases.drop(name)


def test_migrate_says_from_where_to_where(empty_database: str) -> None:
    first = tragt("migrate", "--database", empty_database)
    second = tragt("migrate", "--database", empty_database, "--json").json

    assert first.out.startswith("the schema is from nothing to ")
    assert second["from"] == second["to"]
    assert first.out.strip().endswith(second["to"])


def test_migrate_says_what_an_administrator_must_do_first(closed_database: str) -> None:
    told = tragt("migrate", "--database", closed_database)

    assert told.code == 2
    assert "GRANT CREATE ON DATABASE to tragt_owner" in told.err


def test_rebuild_with_a_key_that_the_database_does_not_know_is_refused(database: str) -> None:
    told = tragt("rebuild", "--key", "ts_unknown1_x", "--database", database)

    assert (told.code, told.err) == (
        5,
        "the database does not know the key ts_unknown1: name one of its keys with --key",
    )


async def test_rebuild_does_not_wait_for_services_that_are_away(database: str, tmp_path: Path) -> None:
    await ensure_workspace(database, tmp_path, frozenset(), NOW)
    there = ("--data", str(tmp_path), "--database", database, "--address", "http://127.0.0.1:1")

    told = await asyncio.to_thread(tragt, "rebuild", *there)

    assert (told.code, "does not answer" in told.err) == (3, True)
