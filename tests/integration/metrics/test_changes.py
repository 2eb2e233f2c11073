import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.contribution import CHANNEL_CAMPAIGN, DIMENSIONS, REST, TOTAL
from services.metrics.domain.measure import Kind, measure
from services.metrics.handlers.changes import ChangeHandler
from services.metrics.handlers.rebuild import recount
from services.metrics.store.dictionary import VALUES_PER_DIMENSION
from shared.clock import DAY, HOUR, ManualClock
from shared.contracts.codec import encode
from shared.contracts.lead_change import CycleFact, LeadChange
from shared.database.engine import create_pool
from shared.database.roles import Role
from shared.streaming.types import Batch, Partition, Record
from tests.conftest import Databases
from tests.integration.metrics.support import ZONES, apply, kept_cells, recounted_cells, worker
from tests.unit.metrics.builders import NOW, WORKSPACE, change, fact

_MQL = measure(Kind.ENTERED, 2, 2)
_STEPS = ("known", "mql", "sal", "sql", "opportunity", "customer")


def _fact(steps: int, times: Sequence[int], channel: str | None, ended: bool) -> CycleFact:
    at = dict(zip(_STEPS[:steps], sorted(times), strict=False))
    return fact(
        ended=("recycled", max(times) + HOUR) if ended else None, touch={"channel": channel, "campaign": "c"}, **at
    )


_FACTS = st.one_of(
    st.none(),
    st.builds(
        _fact,
        st.integers(1, 6),
        st.lists(st.integers(-40 * DAY, 0), min_size=6, max_size=6),
        st.sampled_from([None, "email", "web"]),
        st.booleans(),
    ),
)
_HISTORIES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["cycle:1", "cycle:2"]), _FACTS), max_size=12)


async def _total(connection: asyncpg.Connection, number: int) -> int:
    cells = await kept_cells(connection)
    return sum(
        count for cell, count in cells.items() if (cell.calendar, cell.dimension, cell.measure) == (1, TOTAL, number)
    )


async def test_a_higher_version_replaces_what_the_lower_one_counted(database: str) -> None:
    async with worker(database) as connection:
        await apply(connection, [change(1, 1, {"cycle:1": fact(known=0, mql=HOUR)})])
        before = await _total(connection, _MQL)

        await apply(connection, [change(1, 2, {"cycle:1": fact(known=0)})])

        assert (before, await _total(connection, _MQL)) == (1, 0)
        assert await kept_cells(connection) == await recounted_cells(connection)


async def test_a_change_told_twice_or_late_changes_nothing(database: str) -> None:
    older, newer = change(1, 1, {"cycle:1": fact(known=0)}), change(1, 2, {"cycle:1": fact(known=0, mql=HOUR)})
    async with worker(database) as connection:
        await apply(connection, [newer])
        cells = await kept_cells(connection)

        fresh = await apply(connection, [older, newer])

        assert fresh == 0
        assert await kept_cells(connection) == cells


async def test_a_fact_that_is_gone_stays_gone_when_an_older_version_comes_late(database: str) -> None:
    async with worker(database) as connection:
        await apply(connection, [change(1, 5, {"cycle:1": None})])

        await apply(connection, [change(1, 4, {"cycle:1": fact(known=0)})])

        assert await kept_cells(connection) == {}


async def test_values_above_the_cap_are_counted_as_the_rest(database: str) -> None:
    changes = [
        change(lead, 1, {"cycle:1": fact(known=0, touch={"channel": "email", "campaign": f"c{lead:04}"})})
        for lead in range(VALUES_PER_DIMENSION + 3)
    ]
    async with worker(database) as connection:
        await apply(connection, changes)
        cells = await kept_cells(connection)

        entered = measure(Kind.ENTERED, 1, 1)
        by_value = Counter(
            {
                cell.value: count
                for cell, count in cells.items()
                if (cell.calendar, cell.dimension, cell.measure) == (1, DIMENSIONS["campaign"], entered)
            }
        )
        assert by_value[REST] == 3
        assert by_value.total() == VALUES_PER_DIMENSION + 3
        assert len({cell.value for cell in cells if cell.dimension == CHANNEL_CAMPAIGN}) == VALUES_PER_DIMENSION + 1
        assert cells == await recounted_cells(connection)


async def test_workspaces_do_not_see_each_others_counts(database: str) -> None:
    other = uuid4()
    async with worker(database) as connection:
        both = [change(1, 1, {"cycle:1": fact(known=0)}), change(1, 1, {"cycle:1": fact(known=0)}, workspace=other)]

        await apply(connection, both)

        assert await kept_cells(connection) == await kept_cells(connection, other) != {}


@settings(max_examples=25, deadline=None)
@given(_HISTORIES, st.randoms(use_true_random=False))
def test_any_order_and_duplication_of_versions_gives_the_cells_of_a_plain_recount(
    databases: Databases, history: list[tuple[int, str, CycleFact | None]], random: Any
) -> None:
    changes = [change(lead, version, {key: told}) for version, (lead, key, told) in enumerate(history, start=1)]
    delivered = changes + random.choices(changes, k=len(changes) // 2) if changes else []
    random.shuffle(delivered)

    async def run() -> None:
        name = await databases.create()
        try:
            async with worker(databases.dsn(name)) as connection:
                start = 0
                while start < len(delivered):
                    size = random.randint(1, 5)
                    await apply(connection, delivered[start : start + size])
                    start += size
                kept = await kept_cells(connection)
                assert kept == await recounted_cells(connection)
                assert await _living(connection) == _last(history)
        finally:
            await databases.drop(name)

    asyncio.run(run())


def _last(history: list[tuple[int, str, CycleFact | None]]) -> int:
    return sum(told is not None for told in {(lead, key): told for lead, key, told in history}.values())


async def _living(connection: asyncpg.Connection) -> int:
    number: int = await connection.fetchval(
        "SELECT count(*) FROM metrics.fact WHERE workspace_id = $1 AND NOT gone", WORKSPACE
    )
    return number


async def test_a_recount_repairs_cells_and_adds_a_zone(database: str) -> None:
    pool = await create_pool(database, Role.METRICS_WORKER)
    try:
        async with worker(database) as connection:
            await apply(
                connection, [change(n, 1, {"cycle:1": fact(known=0, mql=n * HOUR)}) for n in range(40)], zones=()
            )
            right = await kept_cells(connection)
            await connection.execute("UPDATE metrics.cell SET count = count + 1 WHERE workspace_id = $1", WORKSPACE)

            await recount(pool, WORKSPACE, ZONES)

            cells = await kept_cells(connection)
            assert {cell: count for cell, count in cells.items() if cell.calendar < 2} == right
            assert {cell.calendar for cell in cells} == {0, 1, 2}
            assert cells == await recounted_cells(connection)
    finally:
        await pool.close()


class _Statements:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _record: asyncpg.connection.LoggedQuery) -> None:
        self.count += 1


def _batch(changes: Sequence[LeadChange | bytes]) -> Batch:
    records = tuple(
        Record(offset, told if isinstance(told, bytes) else encode(told), NOW) for offset, told in enumerate(changes)
    )
    return Batch(Partition("lead.changes.v1", 0), 0, len(records), records)


async def _statements(connection: asyncpg.Connection, changes: Sequence[LeadChange]) -> int:
    handler, listener = ChangeHandler(ZONES, ManualClock(NOW)), _Statements()
    connection.add_query_logger(listener)
    async with connection.transaction():
        await handler.handle(connection, _batch(changes))
    connection.remove_query_logger(listener)
    return listener.count


async def test_the_statements_of_a_batch_do_not_grow_with_it(database: str) -> None:
    def batch(version: int, size: int) -> list[LeadChange]:
        return [change(n, version, {"cycle:1": fact(known=0, mql=n, touch={"channel": "web"})}) for n in range(size)]

    async with worker(database) as connection:
        await apply(connection, batch(1, 1000))

        small = await _statements(connection, batch(2, 1))
        large = await _statements(connection, batch(3, 1000))

    assert small == large <= 12


async def test_a_record_that_is_no_change_is_refused_and_the_others_count(database: str) -> None:
    strange = change(2, 1, {"cycle:1": fact(known=0)})
    strange = LeadChange(**{**{f: getattr(strange, f) for f in strange.__struct_fields__}, "lead_id": "no uuid"})
    async with worker(database) as connection:
        async with connection.transaction():
            handled = await ChangeHandler((), ManualClock(NOW)).handle(
                connection, _batch([b"{", strange, change(1, 1, {"cycle:1": fact(known=0)})])
            )

        assert (handled.records, handled.fresh, handled.refused) == (3, 1, 2)
