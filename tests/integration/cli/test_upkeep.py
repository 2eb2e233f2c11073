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


@pytest.fixture
async def workspace(database: str, tmp_path: Path) -> str:
    await ensure_workspace(database, tmp_path, frozenset(), NOW)
    return database


def test_a_workspace_without_leads_is_rebuilt_at_once(workspace: str) -> None:
    assert tragt("rebuild", "--database", workspace, "--json").json == {"leads": 0}


def test_rebuild_of_an_unknown_workspace_is_said(database: str) -> None:
    told = tragt("rebuild", "--workspace", "south", "--database", database)

    assert (told.code, told.err) == (1, "there is no workspace 'south'")
