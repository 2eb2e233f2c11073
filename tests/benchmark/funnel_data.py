"""A workspace of many leads for the funnel rows: facts stored as the worker stores them, cells by the product's recount."""

from collections.abc import Iterator
from random import Random
from typing import Final
from uuid import UUID

from services.metrics.domain.cycle import STEPS, Cycle, attributes_of
from services.metrics.handlers.rebuild import recount
from services.metrics.store import changes, dictionary
from services.metrics.store.changes import FactKey, Version
from shared.clock import DAY, HOUR
from shared.database.engine import create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.vocabulary import SHARD_COUNT

DAYS: Final = 60
_CHANNELS: Final = ("email", "web", "ads", "social", "search", "referral", "event", "webinar")
_CHUNK: Final = 5_000
_GOES_ON: Final = (1.0, 0.6, 0.35, 0.8, 0.7, 0.5, 0.4)


async def load(dsn: str, workspace: UUID, leads: int, now: int) -> None:
    """Facts of ``leads`` leads over the last DAYS days, and their cells."""
    pool = await create_pool(dsn, Role.METRICS_WORKER, size=2)
    values = [(workspace, 1, channel) for channel in _CHANNELS]
    async with borrowed(pool) as connection:
        await dictionary.calendars(connection, [workspace], ())
        await changes.lock_shards(connection, [(workspace, shard) for shard in range(SHARD_COUNT)])
        await dictionary.value_numbers(connection, values)
        for chunk in _chunks(workspace, leads, now):
            await changes.keep_facts(connection, chunk)
        await connection.execute("ANALYZE metrics.fact")
    await recount(pool, workspace, ())
    await pool.close()


def _chunks(workspace: UUID, leads: int, now: int) -> Iterator[dict[FactKey, Version]]:
    random = Random(leads)
    chunk: dict[FactKey, Version] = {}
    for _ in range(leads):
        lead = UUID(int=random.getrandbits(128))
        chunk[FactKey(workspace, lead.int % SHARD_COUNT, lead, "cycle:1")] = Version(1, _cycle(random, now))
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk


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
