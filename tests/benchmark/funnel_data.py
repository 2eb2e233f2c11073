"""A workspace of many leads for the funnel rows, copied in: facts as the worker stores them, and what they sum to."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.metrics.domain.calendar import UTC_DAYS, Days, Hours
from services.metrics.domain.contribution import Cell, add
from services.metrics.domain.cycle import ATTRIBUTES, STEPS, Cycle, attributes_of
from services.metrics.tables import FACT_VALUES
from shared.clock import DAY, HOUR
from shared.vocabulary import SHARD_COUNT

DAYS: Final = 60
_CHANNELS: Final = ("email", "web", "ads", "social", "search", "referral", "event", "webinar")
_CHUNK: Final = 5_000
_GOES_ON: Final = (1.0, 0.6, 0.35, 0.8, 0.7, 0.5, 0.4)
_FACT: Final = ("workspace_id", "shard", "lead_id", "fact_key", "version", "gone", *FACT_VALUES)
_CELL: Final = ("workspace_id", "shard", *Cell._fields, "count")


async def load(administrator_dsn: str, workspace: UUID, leads: int, now: int) -> None:
    """Facts of ``leads`` leads over the last DAYS days, and their cells. Needs a superuser: COPY passes by policies."""
    connection = await asyncpg.connect(administrator_dsn)
    numbers = {(1, channel): number for number, channel in enumerate(_CHANNELS, start=1)}
    values = [(workspace, dimension, value, number) for (dimension, value), number in numbers.items()]
    await connection.execute("INSERT INTO metrics.calendar VALUES ($1, 1, 'UTC', true)", workspace)
    await connection.executemany("INSERT INTO metrics.attribute_value VALUES ($1, $2, $3, $4)", values)
    calendars = (Hours(), Days(UTC_DAYS, ZoneInfo("UTC")))
    for shard in range(SHARD_COUNT):
        cells: Counter[Cell] = Counter()
        facts = []
        for lead, cycle in _shard(shard, leads // SHARD_COUNT, now):
            add(cells, cycle, 1, calendars, numbers)
            facts.append((workspace, shard, lead, "cycle:1", 1, False, *_values(cycle)))
        rows = [(workspace, shard, *cell, count) for cell, count in sorted(cells.items())]
        await connection.copy_records_to_table("fact", schema_name="metrics", columns=_FACT, records=sorted(facts))
        await connection.copy_records_to_table("cell", schema_name="metrics", columns=_CELL, records=rows)
        await connection.execute("INSERT INTO metrics.shard VALUES ($1, $2, 1, 0, 1)", workspace, shard)
    await connection.execute("VACUUM ANALYZE metrics.fact, metrics.cell")
    await connection.close()


def _shard(shard: int, leads: int, now: int) -> Iterator[tuple[UUID, Cycle]]:
    random = Random(shard)
    for _ in range(leads):
        yield UUID(int=random.getrandbits(128) // SHARD_COUNT * SHARD_COUNT + shard), _cycle(random, now)


def _cycle(random: Random, now: int) -> Cycle:
    at: int | None = now - random.randrange(DAYS * DAY)
    entered: list[int | None] = []
    for goes_on in _GOES_ON:
        if at is not None:
            at = at + int(random.expovariate(1 / (30 * HOUR))) if random.random() < goes_on else None
        entered.append(at)
    return Cycle(
        number=1,
        entered=(*entered, *(None,) * (len(STEPS) - len(entered))),
        attributes=attributes_of({"channel": random.choice(_CHANNELS)}),
    )


def _values(cycle: Cycle) -> tuple[Any, ...]:
    named = {
        "cycle": cycle.number,
        "ended": cycle.ended,
        "ended_at": cycle.ended_at,
        **dict(zip(ATTRIBUTES, cycle.attributes, strict=True)),
    }
    entered = iter(cycle.entered)
    return tuple(named[name] if name in named else next(entered) for name in FACT_VALUES)
