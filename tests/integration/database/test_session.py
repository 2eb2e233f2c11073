from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database.engine import connect, create_engine, create_pool
from shared.database.isolation import isolate
from shared.database.roles import Role
from shared.database.session import reading, writing
from shared.database.transient import is_transient
from shared.errors import InvalidRequest, Transient
from tests.integration.database.cut import cut_all_others

OURS, THEIRS = uuid4(), uuid4()
INSERT = "INSERT INTO access.workspace VALUES (gen_random_uuid(), 'x', repeat('x', 32)::bytea, 0)"


class _Statements:
    """Collects what a migration would run."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def execute(self, sqltext: str) -> None:
        self.texts.append(sqltext)


@pytest.fixture
async def canary(admin_dsn: str) -> None:
    """A workspace-owned table of scoring with one row of ours and one of theirs."""
    connection = await asyncpg.connect(admin_dsn)
    await connection.execute("SET ROLE tragt_owner; CREATE TABLE scoring.canary (workspace_id uuid, name text)")
    statements = _Statements()
    isolate(statements, "canary", "scoring")
    for statement in statements.texts:
        await connection.execute(statement)
    await connection.execute("SET ROLE scoring_worker")
    await connection.executemany("INSERT INTO scoring.canary VALUES ($1, $2)", [(OURS, "ours"), (THEIRS, "theirs")])
    await connection.close()


@pytest.fixture
async def reader(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database, Role.SCORING_READER)
    yield engine
    await engine.dispose()


async def _names(engine: AsyncEngine, workspace: UUID) -> list[str]:
    async with reading(engine, workspace) as session:
        return list((await session.execute(text("SELECT name FROM scoring.canary"))).scalars())


@pytest.mark.usefixtures("canary")
async def test_a_reader_sees_the_rows_of_its_workspace_only(reader: AsyncEngine) -> None:
    assert await _names(reader, OURS) == ["ours"]
    assert await _names(reader, THEIRS) == ["theirs"]
    assert await _names(reader, uuid4()) == []


@pytest.mark.usefixtures("canary")
async def test_without_a_workspace_nothing_is_seen_on_the_same_connection(reader: AsyncEngine) -> None:
    await _names(reader, OURS)

    async with reader.begin() as connection:
        rows = (await connection.execute(text("SELECT name FROM scoring.canary"))).all()

    assert rows == []


@pytest.mark.usefixtures("canary")
async def test_forced_isolation_binds_the_owner_too(admin_dsn: str) -> None:
    connection = await asyncpg.connect(admin_dsn, server_settings={"role": Role.OWNER.value})

    assert await connection.fetch("SELECT name FROM scoring.canary") == []
    await connection.close()


@pytest.mark.usefixtures("canary")
async def test_another_service_does_not_reach_the_table(database: str) -> None:
    pool = await create_pool(database, Role.METRICS_WORKER)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.fetch("SELECT name FROM scoring.canary")
    await pool.close()


async def test_writing_inside_a_read_is_refused(database: str) -> None:
    engine = create_engine(database, Role.INGEST_WORKER)

    with pytest.raises(DBAPIError, match="read-only"):
        async with reading(engine, OURS) as session:
            await session.execute(text("INSERT INTO access.workspace VALUES (gen_random_uuid(), 'x', '', 0)"))
    await engine.dispose()


@pytest.mark.parametrize(
    ("kind", "said"), [("text", "a\0b"), ("text", "a\ud800b"), ("jsonb", '"\\u0000"'), ("jsonb", '"\\ud800"')]
)
async def test_text_that_the_database_cannot_hold_is_the_callers_fault(database: str, kind: str, said: str) -> None:
    engine = create_engine(database, Role.INGEST_WORKER)
    query, given = text(f"SELECT CAST(CAST(:said AS text) AS {kind})"), {"said": said}

    with pytest.raises(InvalidRequest, match="NUL"):
        async with writing(engine) as session:
            await session.execute(query, given)
    with pytest.raises(InvalidRequest, match="NUL"):
        async with reading(engine, OURS) as session:
            await session.execute(query, given)
    await engine.dispose()


async def test_an_error_does_not_tell_what_was_to_be_written(database: str) -> None:
    engine = create_engine(database, Role.INGEST_WORKER)

    with pytest.raises(DBAPIError) as caught:
        async with writing(engine) as session:
            await session.execute(text("SELECT 1 / (length(:said) - 17)"), {"said": "canary@example.de"})

    assert "canary" not in str(caught.value)
    await engine.dispose()


async def test_a_write_that_fails_leaves_nothing(database: str) -> None:
    engine = create_engine(database, Role.INGEST_WORKER)

    async def insert_twice() -> None:
        async with writing(engine) as session:
            await session.execute(text(INSERT))
            await session.execute(text(INSERT))

    with pytest.raises(DBAPIError, match="uq_workspace_name"):
        await insert_twice()

    async with writing(engine) as session:
        assert (await session.execute(text("SELECT count(*) FROM access.workspace"))).scalar_one() == 0
    await engine.dispose()


@pytest.mark.parametrize(
    ("role", "setting", "value"),
    [
        (Role.SCORING_WORKER, "idle_in_transaction_session_timeout", "5s"),
        (Role.SCORING_WORKER, "lock_timeout", "5s"),
        (Role.SCORING_WORKER, "transaction_timeout", "10s"),
        (Role.METRICS_READER, "statement_timeout", "5s"),
    ],
)
async def test_a_connection_has_its_role_and_limits(database: str, role: Role, setting: str, value: str) -> None:
    pool = await create_pool(database, role)

    user, limit, superuser = await pool.fetchrow(
        "SELECT current_user, current_setting($1), current_setting('is_superuser')", setting
    ) or ("", "", "")

    assert (user, limit, superuser) == (role, value, "off")
    await pool.close()


async def test_a_holder_that_stops_inside_a_transaction_loses_its_locks(database: str) -> None:
    stopped, other = [await connect(database, Role.INGEST_WORKER) for _ in range(2)]
    await stopped.execute("SET idle_in_transaction_session_timeout = '50ms'")
    await stopped.execute("BEGIN")
    await stopped.execute(INSERT)

    await other.execute(INSERT)

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)) as caught:
        await stopped.execute("COMMIT")
    assert is_transient(caught.value)
    for connection in (stopped, other):
        connection.terminate()


async def test_an_engine_heals_after_its_connections_were_cut(database: str, admin_dsn: str) -> None:
    engine = create_engine(database, Role.INGEST_WORKER)

    async def cut_inside() -> None:
        async with writing(engine) as session:
            await session.execute(text("SELECT 1"))
            await cut_all_others(admin_dsn)
            await session.execute(text("SELECT 1"))

    with pytest.raises(Transient):
        await cut_inside()

    async with writing(engine) as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


async def test_a_server_that_is_not_there_is_transient() -> None:
    engine = create_engine("postgresql://tragt@/tragt?host=/nowhere", Role.SCORING_READER)

    with pytest.raises(Transient):
        async with reading(engine, OURS):
            pass
    await engine.dispose()
