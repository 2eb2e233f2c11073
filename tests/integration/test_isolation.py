"""What the database lets readers see, read from its own catalogue (docs/decisions/0010)."""

import asyncpg
import pytest

from shared.database.roles import SERVICES, Role

_TABLES = """
    SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_isolated,
        has_table_privilege($1, c.oid, 'SELECT') AS may_read,
        has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS may_write,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id') AS is_owned
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('streaming', 'ingest', 'scoring', 'metrics')
    ORDER BY 1
"""
_OF_NOBODY = {"streaming.position"}
"""How far the stream was read, for freshness: the same for all workspaces."""

_ANYBODY = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS granted
    WHERE granted.grantee = 0 AND n.nspname IN ('access', 'streaming', 'ingest', 'scoring', 'metrics')
"""


@pytest.mark.parametrize("service", SERVICES)
async def test_a_reader_reads_isolated_tables_only(admin_dsn: str, service: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        tables = await administrator.fetch(_TABLES, f"{service}_reader")
    finally:
        await administrator.close()

    readable = [row for row in tables if row["may_read"]]
    assert readable
    assert [row["name"] for row in readable if row["is_owned"] and not row["is_isolated"]] == []
    assert {row["name"] for row in readable if not row["is_owned"]} <= _OF_NOBODY
    assert {row["name"].partition(".")[0] for row in readable} <= {service, "streaming"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_reader_writes_nothing(admin_dsn: str, service: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        tables = await administrator.fetch(_TABLES, f"{service}_reader")
    finally:
        await administrator.close()

    assert [row["name"] for row in tables if row["may_write"]] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_worker_reaches_no_table_of_another_service(admin_dsn: str, service: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        tables = await administrator.fetch(_TABLES, f"{service}_worker")
    finally:
        await administrator.close()

    assert {row["name"].partition(".")[0] for row in tables if row["may_read"]} == {service, "streaming"}


async def test_nothing_is_granted_to_everybody(admin_dsn: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        granted = await administrator.fetch(_ANYBODY)
    finally:
        await administrator.close()

    assert granted == []


async def test_a_reader_that_forgot_its_workspace_sees_nothing(admin_dsn: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        await administrator.execute("""
            INSERT INTO scoring.model (workspace_id, version, published_at, body)
            VALUES
                ('00000000-0000-0000-0000-000000000001', 1, 0, ''),
                ('00000000-0000-0000-0000-000000000002', 1, 0, '')
        """)
        await administrator.execute(f"SET ROLE {Role.SCORING_READER}")
        forgotten = await administrator.fetchval("SELECT count(*) FROM scoring.model")
        await administrator.execute("SET app.workspace = '00000000-0000-0000-0000-000000000001'")
        bound = await administrator.fetchval("SELECT count(*) FROM scoring.model")
    finally:
        await administrator.close()

    assert (forgotten, bound) == (0, 1)
