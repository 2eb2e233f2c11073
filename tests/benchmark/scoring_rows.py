"""What scoring costs: against its own SQL, against one transaction per touchpoint, as leads grow, for late input."""

import asyncio
import gc
import statistics
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import psutil

from services.scoring.domain.identity import BEGINNING
from services.scoring.handlers import rebuilding
from shared.clock import SECOND, SystemClock
from shared.database.pool import borrowed
from shared.streaming import positions
from shared.streaming.types import Batch, Partition, Record
from shared.vocabulary import Group, TopicName
from tests.benchmark.bench_database import Server, bench_server
from tests.benchmark.measure import BLOCK, Bound, Row, cpu_of_block, own_cpu
from tests.benchmark.tape import Recorder, Tape
from tests.benchmark.traffic import START, Traffic
from tests.reference.components import all_leads
from tests.scoring_driver import SECRET, WORKSPACE, Scoring, b2b_document, open_scoring, touchpoint

_BATCH: Final = 2_000
_PLACE: Final = Partition(TopicName.TOUCHPOINTS, 0)


async def rows(*, quick: bool) -> list[Row]:
    """All rows of scoring. ``quick`` uses a tenth of the data."""
    async with bench_server() as server:
        size = 20_000 if quick else 100_000
        ceilings = await sql_ceilings(server, size)
        return [
            *ceilings,
            exactness(ceilings),
            await naive(server, size // 10),
            await rebuild(server, size),
            *await growth(server, (10_000, 100_000) if quick else (10_000, 1_000_000)),
            await late_into_long(server, 20_000 if quick else 100_000),
            await many_late(server, *((50, 2_000) if quick else (500, 10_000))),
        ]


async def sql_ceilings(server: Server, size: int) -> list[Row]:
    """R8 with leads met evenly, by Zipf's law, and with many identifies that join history."""
    return [
        await sql_ceiling(server, "R8, even", Traffic(seed=8, leads=size // 10, late=0.01), size),
        await sql_ceiling(server, "R8, Zipf", Traffic(seed=8, leads=size, late=0.01, zipf=1.1), size),
        await sql_ceiling(server, "R8, joins", Traffic(seed=8, leads=size // 10, joining=0.1, late=0.01), size),
    ]


def exactness(rows: Sequence[Row]) -> Row:
    """R20: facts of those very runs that are lost, doubled or other than the plain reference's."""
    what = "facts lost, doubled or differing from the reference in the runs of R8"
    return Row("R20", what, Bound("at most", 0, BLOCK), [float(row.differing) for row in rows])


async def sql_ceiling(server: Server, name: str, traffic: Traffic, size: int) -> Row:
    """R8: CPU of the SQL alone (each batch's statements recorded and sent again to a twin database) / CPU of scoring.

    Batch by batch, by turns; scoring's part is everything from the record's bytes to the commit, catching up included.
    Beside it the same ratio of elapsed time, in which PostgreSQL's own work counts for both.
    """
    figures, elapsed = [], []
    loop = asyncio.get_running_loop()
    async with _scoring(server) as scoring, _scoring(server) as twin:
        stream = list(traffic.messages(size))
        for batch in _batches(stream):
            tape = Tape()
            began = loop.time()
            product = await _taped(scoring, batch, tape)
            between = loop.time()
            async with borrowed(twin.pool) as connection:
                control = await cpu_of_block(partial(tape.play, connection))
            elapsed.append((loop.time() - between) / (between - began))
            caught, again = await _caught_up(scoring, twin)
            figures.append((control + again) / (product + caught))
        differing = await _differing(scoring, stream)
    what = f"scoring / its own SQL, {traffic.joining:.0%} of the stream are identifies that join history"
    beside = f"elapsed: {statistics.median(elapsed[1:]):.2f}"
    return Row(name, what, Bound("at least", 0.5, BLOCK), figures[1:], beside, differing)


async def _differing(scoring: Scoring, stream: Sequence[bytes]) -> int:
    """How many facts a reader of all changes holds that the reference does not, or lacks, or holds otherwise."""
    told = {place: msgspec.json.decode(msgspec.json.encode(fact)) for place, fact in (await scoring.facts()).items()}
    messages = [msgspec.json.decode(value) for value in stream]
    expected = {
        (lead.lead_id, key): fact
        for lead in all_leads(messages, b2b_document(), SECRET, BEGINNING)
        for key, fact in lead.life.facts.items()
    }
    return sum(told.get(place) != expected.get(place) for place in told.keys() | expected.keys())


async def _taped(scoring: Scoring, batch: Sequence[Record], tape: Tape) -> float:
    async with borrowed(scoring.pool) as connection:
        recorder = Recorder(connection, tape)
        began = own_cpu()
        async with connection.transaction():
            await positions.claim(recorder, Group.SCORING_TOUCHPOINTS, _batch(batch))  # type: ignore[arg-type]
            await scoring.handler.handle(recorder, _batch(batch))  # type: ignore[arg-type]
        return own_cpu() - began


async def _caught_up(scoring: Scoring, twin: Scoring) -> tuple[float, float]:
    product = control = 0.0
    taken = 1
    while taken:
        tape = Tape()
        async with borrowed(scoring.pool) as connection:
            began = own_cpu()
            async with connection.transaction():
                taken = (await scoring.refolder.step(Recorder(connection, tape), BEGINNING)).taken  # type: ignore[arg-type]
            product += own_cpu() - began
        async with borrowed(twin.pool) as connection:
            control += await cpu_of_block(partial(tape.play, connection))
    return product, control


async def naive(server: Server, size: int) -> Row:
    """R9: CPU of one transaction per touchpoint (the same handler, batches of one) / CPU in batches of 2,000."""
    figures = []
    for number in range(3):
        traffic = Traffic(seed=90 + number, leads=size // 10)
        stream = list(traffic.messages(size))
        async with _scoring(server) as one, _scoring(server) as many:
            sample = stream[: size // 10]
            single = await cpu_of_block(partial(_feed, one, sample, 1)) / len(sample)
            batched = await cpu_of_block(partial(_feed, many, stream, _BATCH)) / len(stream)
        figures.append(single / batched)
    return Row("R9", "one transaction per touchpoint / batches", Bound("at least", 12, BLOCK), figures)


async def rebuild(server: Server, size: int) -> Row:
    """R13: CPU per touchpoint live (stored, linked, folded) / that of refolding all leads from history.

    Beside it the same ratio of elapsed time.
    """
    figures, elapsed = [], []
    loop = asyncio.get_running_loop()
    for number in range(3):
        stream = list(Traffic(seed=130 + number, leads=size // 50).messages(size))
        async with _scoring(server) as scoring:
            began = loop.time()
            live = await cpu_of_block(partial(_feed, scoring, stream, _BATCH))
            lived = loop.time() - began
            await scoring.catch_up(BEGINNING)
            async for _ in rebuilding.mark_all(scoring.pool, WORKSPACE):
                pass
            began = loop.time()
            again = await cpu_of_block(partial(scoring.catch_up, BEGINNING))
            elapsed.append(lived / (loop.time() - began))
        figures.append(live / again)
    beside = f"elapsed: {statistics.median(elapsed):.1f}"
    return Row("R13", "rebuild / live", Bound("at least", 3, BLOCK), figures, beside)


async def growth(server: Server, leads: tuple[int, int]) -> list[Row]:
    """CPU per touchpoint, and memory of the process, with many leads / with few."""
    few, many = leads
    async with _scoring(server) as small, _scoring(server) as large:
        await _settle_leads(small, few)
        low = _resident()
        await _settle_leads(large, many)
        high = _resident()
        figures = []
        for number in range(5):
            cheap = await _cost(small, few, number)
            dear = await _cost(large, many, number)
            figures.append(dear / cheap)
    name = f"{few:,} to {many:,} leads"
    return [
        Row("growth, CPU", f"scoring CPU per touchpoint, {name}", Bound("at most", 1.3, BLOCK), figures),
        Row("growth, memory", f"resident memory, {name}", Bound("at most", 1.1, BLOCK), [high / low]),
    ]


async def _settle_leads(scoring: Scoring, count: int) -> None:
    for start in range(0, count, _BATCH):
        await scoring.deliver_bytes(
            [
                msgspec.json.encode(touchpoint(n, "page_viewed", START - SECOND, f"5user_id:u{n}") | {"id": f"s{n}"})
                for n in range(start, min(count, start + _BATCH))
            ]
        )


async def _cost(scoring: Scoring, leads: int, number: int) -> float:
    stream = list(Traffic(seed=200, leads=leads, joining=0.0).messages(2 * _BATCH, first=number * 2 * _BATCH))
    return await cpu_of_block(partial(_feed, scoring, stream, _BATCH))


async def late_into_long(server: Server, length: int) -> Row:
    """CPU of one late touchpoint (store, catch up, publish) into a lead of many / into one of a hundred."""
    figures = []
    async with _scoring(server) as scoring:
        for user, size in (("short", 100), ("long", length)):
            history = (touchpoint(n, "page_viewed", START + n * SECOND, f"5user_id:{user}") for n in range(size))
            await _feed(scoring, [msgspec.json.encode(one | {"id": f"{user}{one['id']}"}) for one in history], _BATCH)
        for number in range(20):
            short = await cpu_of_block(partial(_late, scoring, "short", 100, number))
            long = await cpu_of_block(partial(_late, scoring, "long", length, number))
            figures.append(long / short)
    return Row("late", f"late touchpoint into a lead of {length:,} / of 100", Bound("at most", 3, BLOCK), figures)


async def _late(scoring: Scoring, user: str, size: int, number: int) -> None:
    at = START + (size - 30) * SECOND + number
    await scoring.deliver([touchpoint(number, "page_viewed", at, f"5user_id:{user}") | {"id": f"late-{user}-{number}"}])
    await scoring.catch_up(BEGINNING)


async def many_late(server: Server, leads: int, length: int) -> Row:
    """The longest transaction, in seconds, while each of many long leads gets a touchpoint late by half its history."""
    async with _scoring(server) as scoring:
        for lead in range(leads):
            history = (touchpoint(n, "page_viewed", START + n * SECOND, f"5user_id:m{lead}") for n in range(length))
            await _feed(scoring, [msgspec.json.encode(one | {"id": f"m{lead}-{one['id']}"}) for one in history], length)
        at = START + length // 2 * SECOND + 1
        late = [touchpoint(n, "page_viewed", at, f"5user_id:m{n}") | {"id": f"late-{n}"} for n in range(leads)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        await scoring.deliver(late)
        durations = [loop.time() - began]
        taken = 1
        while taken:
            began = loop.time()
            taken = (await scoring.step(BEGINNING)).taken
            durations.append(loop.time() - began)
    what = f"longest transaction, {leads} late touchpoints into {leads} leads of {length:,} (s)"
    beside = f"{len(durations)} transactions, median {statistics.median(durations):.2f} s"
    return Row("500 late", what, Bound("at most", 2, BLOCK), [max(durations)], beside)


async def _feed(scoring: Scoring, values: Sequence[bytes], size: int) -> None:
    for start in range(0, len(values), size):
        await scoring.deliver_bytes(values[start : start + size])


def _batches(values: Iterable[bytes]) -> Iterable[list[Record]]:
    records = [Record(offset, value, offset) for offset, value in enumerate(values)]
    return (records[start : start + _BATCH] for start in range(0, len(records), _BATCH))


def _batch(records: Sequence[Record]) -> Batch:
    return Batch(_PLACE, records[0].offset, records[-1].offset + 1, tuple(records))


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@asynccontextmanager
async def _scoring(server: Server) -> AsyncIterator[Scoring]:
    scoring = await open_scoring(await server.fresh(), SystemClock())
    async with borrowed(scoring.pool) as connection:
        await positions.seed(connection, Group.SCORING_TOUCHPOINTS, _PLACE.topic, {_PLACE: 0})
        assert isinstance(await connection.fetchval("SELECT 1"), int)
    try:
        yield scoring
    finally:
        await scoring.pool.close()
