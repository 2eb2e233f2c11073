"""Every list and every lookup is found by an index, as the reader role and under row-level security.

A filter that PostgreSQL may not push below the policy (an operator that is not leakproof) reads the whole table; nobody
notices until the table is large. So the tables are made large here, and PostgreSQL itself counts what it read.
"""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from services.scoring.queries.driver import driver_of
from shared.access import Scope
from shared.clock import DAY, to_text
from shared.database.session import reading
from tests.integration.scoring.api.service import OTHER_WORKSPACE, T0, Service, id_of, new_key
from tests.scoring_driver import WORKSPACE, touchpoint
from tests.waiting import eventually

U1, A1 = "5user_id:u1", "1anonymous_id:a1"
LEAD = f"/v1/leads/{id_of(A1)}"
PAST = {"as_of": to_text(T0 + DAY)}
KNOWN = {"known_at": to_text(T0 + 10 * DAY)}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/leads", {}),
    ("/v1/leads", {"order": "oldest", "limit": 5}),
    ("/v1/leads", {"status": "mql"}),
    ("/v1/leads", {"stage": "interest", "updated_since": to_text(T0)}),
    ("/v1/leads", {"channel": "email"}),
    ("/v1/leads", {"id": [id_of(U1), id_of(A1)]}),
    (LEAD, {}),
    (LEAD, PAST),
    (LEAD, KNOWN),
    ("/v1/leads/by/anonymous_id/a1", {}),
    ("/v1/leads/by/anonymous_id/a1", KNOWN),
    (f"{LEAD}/history", {}),
    (f"{LEAD}/ledger", PAST),
    (f"{LEAD}/touchpoints", {}),
    (f"{LEAD}/touchpoints", {"order": "oldest"}),
    ("/v1/changes", {}),
    ("/v1/changes", {"after": "latest"}),
    ("/v1/facts", {"limit": 100}),
]

_FILL = """
    CREATE TEMPORARY TABLE many AS SELECT n::int FROM generate_series(1, 20000) AS n;
    INSERT INTO scoring.lead (workspace_id, key, lead_id, version)
    SELECT $1::uuid, '5user_id:x' || n, md5(n::text)::uuid, 1 FROM many;
    INSERT INTO scoring.listing
    SELECT $1::uuid, md5(n::text)::uuid, '5user_id:x' || n, (ARRAY['known', 'mql'])[n % 2 + 1], 'awareness', 'web',
        1, n % 16, n, n, n FROM many;
    INSERT INTO scoring.touchpoint
    SELECT $1::uuid, '5user_id:x' || n, n, n::text, n, '' FROM many;
    INSERT INTO scoring.link
    SELECT $1::uuid, '1anonymous_id:x' || n, n, n::text, '5user_id:x' || n, 'own', n FROM many;
    INSERT INTO scoring.run
    SELECT $1::uuid, '1anonymous_id:x' || n, n, n::text, '', '5user_id:x' || n, 'own' FROM many;
    INSERT INTO scoring.cycle
    SELECT $1::uuid, '5user_id:x' || n, 1, 1, (SELECT body FROM scoring.cycle LIMIT 1) FROM many;
    INSERT INTO scoring.checkpoint
    SELECT $1::uuid, '5user_id:x' || n, n, '', '' FROM many;
    INSERT INTO scoring.seen
    SELECT $1::uuid, decode(md5(n::text), 'hex') FROM many;
    INSERT INTO streaming.outbox (service, workspace_id, topic, partition, value, recorded_at, sequence, published)
    SELECT 'scoring', $1::uuid, 'lead.changes.v1', 0, '', n, 1000 + n, true FROM many;
    DROP TABLE many;
"""
_SCANS = """
    SELECT schemaname || '.' || relname AS name, seq_scan FROM pg_stat_user_tables
    WHERE (schemaname = 'scoring' AND relname <> 'model') OR relname = 'outbox'
"""
_READERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'tragt.scoring_reader' AND query NOT ILIKE '%listen%'
"""


async def _fill(admin: asyncpg.Connection, workspace: UUID) -> None:
    await admin.execute(_FILL.replace("$1", f"'{workspace}'"))


async def _scans(service: Service, admin: asyncpg.Connection) -> dict[str, int]:
    """Sequential scans of each table so far. A session has told its counts once it is gone."""
    await service.engine.dispose()

    async def gone() -> bool:
        return bool(await admin.fetchval(_READERS) == 0)

    await eventually(gone, within_seconds=10, what="readers have left")
    await admin.execute("SELECT pg_stat_clear_snapshot()")
    return {row["name"]: row["seq_scan"] for row in await admin.fetch(_SCANS)}


@pytest.fixture
async def large(service: Service, admin_dsn: str) -> Service:
    """One lead with a device and checkpoints among many others, of its own workspace and of another."""
    await service.scoring.deliver(
        [touchpoint(n, "page_viewed", T0 + n, A1) for n in range(300)] + [touchpoint(900, "identified", T0, U1, A1)]
    )
    await service.scoring.catch_up(T0)
    await service.relay()
    admin = await asyncpg.connect(admin_dsn)
    await _fill(admin, OTHER_WORKSPACE)
    await admin.execute("UPDATE scoring.lead SET lead_id = gen_random_uuid() WHERE workspace_id = $1", OTHER_WORKSPACE)
    await _fill(admin, WORKSPACE)
    await admin.execute("ANALYZE")
    await admin.close()
    return service


async def test_no_list_and_no_lookup_reads_a_whole_table(large: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    before = await _scans(large, admin)

    for path, parameters in ASKED:
        await large.get(path, **parameters)
        assert await _scans(large, admin) == before, (path, parameters)
    await admin.close()


async def test_a_split_reads_no_whole_table(large: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    key = await new_key(large.dsn, WORKSPACE, frozenset({Scope.LEADS_WRITE}))
    await large.access.load()
    before = await _scans(large, admin)

    async with large.with_key(key) as writer:
        answer = await writer.post("/v1/identities/split", json={"key": A1, "from_key": U1})

    assert answer.status_code == 202
    assert await _scans(large, admin) == before
    await admin.close()


async def test_a_read_of_a_whole_table_would_be_noticed(large: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    before = await _scans(large, admin)

    async with reading(large.engine, WORKSPACE) as session:
        await session.execute(text("SELECT count(*) FROM scoring.lead WHERE version::text LIKE '1%'"))

    after = await _scans(large, admin)
    assert {name for name in after if after[name] != before[name]} == {"scoring.lead"}
    await admin.close()


async def test_an_answer_of_several_statements_sees_one_snapshot(service: Service) -> None:
    async with reading(service.engine, WORKSPACE) as session:
        connection = await driver_of(session)
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
        assert await connection.fetchval("SELECT count(*) FROM scoring.lead") == 0
        await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1)])
        assert await connection.fetchval("SELECT count(*) FROM scoring.lead") == 0
