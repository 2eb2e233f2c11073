"""What the door costs: CPU of its process, on a real broker, against bare uvicorn, FastAPI and confluent's client."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Container, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import msgspec
from confluent_kafka import Producer as ConfluentProducer
from pydantic import SecretStr

from services.ingest.bootstrap import opened
from shared.contracts.topics import TOPICS
from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.vocabulary import TopicName
from tests.benchmark import protocol_bodies
from tests.benchmark.bench_database import bench_server
from tests.benchmark.load import post, send_all
from tests.benchmark.log_rows import produce_all
from tests.benchmark.measure import REPORT, Bound, Row, cpu_of, paired
from tests.benchmark.protocol_bodies import touchpoint
from tests.ingest_door import make_keys, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.kafka_broker import running_broker
from tests.served import free_port
from tests.waiting import wait_until

_CONNECTIONS: Final = 256
_BATCH_CONNECTIONS: Final = 64
_BATCH: Final = 100
_PAIRS: Final = 5
_CHEAPER_SINGLE: Final = Bound("at least", 2.5, REPORT)
_CHEAPER_BATCH: Final = Bound("at least", 3, REPORT)
_SINGLE_BESIDE_BARE: Final = 131 / 42
_BATCH_BESIDE_CONFLUENT: Final = 37 / 5.3
"""PostHog's capture by its µs CPU per event, measured elsewhere beside the same two controls."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The door on a real broker, or on the embedded log; keys of two workspaces, and what was accepted so far."""

    door: IngestProcess
    servers: str
    log: LogSettings
    key: str
    quiet_key: str
    accepted: list[int]

    async def take(self, bodies: list[bytes], events: int) -> float:
        """CPU seconds of the door's process for these requests, from 256 clients that send one touchpoint at a time or
        64 that send many. Fails when one is not answered 200."""
        clients = _CONNECTIONS if events == len(bodies) else _BATCH_CONNECTIONS
        return await self.answer([post(body, self.key) for body in bodies], events, clients)

    async def answer(self, requests: list[bytes], events: int, clients: int = _BATCH_CONNECTIONS) -> float:
        """The same for whole requests with so many events in all; 204 will do too."""
        before = cpu_of([self.door.process.pid])
        answers = await send_all(self.door.port, requests, clients)
        assert answers.keys() <= {200, 204}, answers
        self.accepted.append(events)
        return cpu_of([self.door.process.pid]) - before

    async def differing(self) -> int:
        """By how much the log and what was accepted differ."""
        admin = open_log(self.log, Role.INGEST_WORKER).admin()
        try:
            ends = await admin.ends(TopicName.TOUCHPOINTS)
        finally:
            await admin.close()
        return abs(sum(ends.values()) - sum(self.accepted))


async def rows(*, quick: bool, wanted: Container[str] = ("R1", "R2", "R3", "R4", "R6")) -> list[Row]:
    """R1 to R4 and R6, or those ``wanted``. ``quick`` uses a fifth of the requests."""
    requests = 4_000 if quick else 20_000
    measures = {
        "R1": (_against_bare, requests),
        "R2": (_against_naive, requests // 4),
        "R3": (_against_confluent, requests * 4),
        "R4": (_batches_against_singles, requests),
    }
    async with bench() as door:
        found = [await measure(door, size) for name, (measure, size) in measures.items() if name in wanted]
    return found + (_against_capture(found) if "R6" in wanted else [])


def _against_capture(found: Sequence[Row]) -> list[Row]:
    """How many times cheaper than PostHog's capture (Rust) an event is, each by what it costs beside the same control:
    131 µs single beside bare uvicorn's 42, 37 in batches of 100 beside confluent's 5.3 (measured elsewhere).
    """
    measured = {row.name: row for row in found}
    rows: list[Row] = []
    if single := measured.get("R1"):
        figures = [_SINGLE_BESIDE_BARE / ratio for ratio in single.figures]
        rows.append(Row("R6 single", "PostHog capture / durable POST, by R1's control", _CHEAPER_SINGLE, figures))
    if batch := measured.get("R3"):
        figures = [_BATCH_BESIDE_CONFLUENT * ratio for ratio in batch.figures]
        rows.append(
            Row("R6 batch", "PostHog capture / event in batches of 100, by R3's control", _CHEAPER_BATCH, figures)
        )
    return rows


async def _against_bare(door: Bench, requests: int) -> Row:
    """CPU per single durable POST / per POST that bare uvicorn answers 200."""
    with _control("bare") as (port, pid):

        async def ours(run: int) -> float:
            return await door.take(singles(run, requests), requests)

        async def control(run: int) -> float:
            return await _control_cpu(port, pid, singles(run, requests))

        await ours(100)
        await control(100)
        pairs = await paired(ours, control, _PAIRS)
    what = "single durable POST, CPU / bare uvicorn 200"
    beside = f"{_micros(pairs, 0, requests)} against {_micros(pairs, 1, requests)} µs CPU per request"
    figures = [own / other for own, other in pairs]
    return Row("R1", what, Bound("at most", 0.75, REPORT), figures, beside, await door.differing())


async def _against_naive(door: Bench, requests: int) -> Row:
    """Requests per CPU second of ours / of FastAPI, pydantic and one awaited record per request."""
    with _control("naive", door.servers, "naive") as (port, pid):

        async def ours(run: int) -> float:
            return await door.take(singles(200 + run, requests), requests)

        async def control(run: int) -> float:
            return await _control_cpu(port, pid, singles(run, requests))

        await control(100)
        pairs = await paired(ours, control, _PAIRS)
    what = "single durable POST per CPU second / naive FastAPI + send_and_wait"
    beside = f"{_micros(pairs, 0, requests)} against {_micros(pairs, 1, requests)} µs CPU per request"
    figures = [other / own for own, other in pairs]
    return Row("R2", what, Bound("at least", 8, REPORT), figures, beside, await door.differing())


async def _against_confluent(door: Bench, events: int) -> Row:
    """Events per CPU second in requests of 100 / messages of the same bytes per CPU second of confluent's producer."""
    client = ConfluentProducer(
        {"bootstrap.servers": door.servers, "acks": "all", "enable.idempotence": True, "linger.ms": 5}
    )

    async def ours(run: int) -> float:
        return await door.take(batches(300 + run, events), events)

    async def control(_: int) -> float:
        return await asyncio.to_thread(produce_all, client, events)

    await ours(100)
    await control(100)
    pairs = await paired(ours, control, _PAIRS)
    what = "batch of 100, events per CPU second / confluent's producer"
    beside = f"{_micros(pairs, 0, events)} against {_micros(pairs, 1, events)} µs CPU per event"
    figures = [other / own for own, other in pairs]
    return Row("R3", what, Bound("at least", 0.5, REPORT), figures, beside, await door.differing())


async def _batches_against_singles(door: Bench, requests: int) -> Row:
    """Events per CPU second in requests of 100 / in requests of one."""
    events = requests * 4

    async def in_batches(run: int) -> float:
        return await door.take(batches(500 + run, events), events) / events

    async def one_by_one(run: int) -> float:
        return await door.take(singles(600 + run, requests), requests) / requests

    await in_batches(100)
    await one_by_one(100)
    pairs = await paired(in_batches, one_by_one, _PAIRS)
    what = "batch of 100 / single durable POST, events per CPU second"
    beside = f"{_micros(pairs, 0, 1)} against {_micros(pairs, 1, 1)} µs CPU per event"
    figures = [single / batch for batch, single in pairs]
    return Row("R4", what, Bound("at least", 5, REPORT), figures, beside, await door.differing())


@asynccontextmanager
async def bench(*, embedded: bool = False) -> AsyncIterator[Bench]:
    """A door as a process of its own, on a real broker or on the embedded log."""
    async with AsyncExitStack() as stack:
        broker = None if embedded else stack.enter_context(running_broker())
        server = await stack.enter_async_context(bench_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tragt-door-")))
        dsn = await server.fresh()
        async with opened(settings_for(dsn)) as own:
            keys, quiet = await make_keys(own), await make_keys(own, "quiet")
        variables = {"INGEST_DATABASE_DSN": dsn, "INGEST_RUN": "api"}
        if broker is None:
            log = LogSettings(dsn=SecretStr(dsn))
            variables |= {"INGEST_LOG_DSN": dsn}
        else:
            log = LogSettings(kind="kafka", kafka_servers=(broker.servers,))
            variables |= {"INGEST_LOG_KIND": "kafka", "INGEST_LOG_KAFKA_SERVERS": broker.servers}
        door = stack.enter_context(running_ingest(folder, variables))
        await asyncio.to_thread(door.wait_for, door.is_ready)
        admin = open_log(log, Role.INGEST_WORKER).admin()
        for topic in ("naive", "theirs"):
            await admin.ensure(topic, TOPICS[TopicName.TOUCHPOINTS].partitions, 7 * 24 * 3600)
        await admin.close()
        yield Bench(door, broker.servers if broker else "", log, keys.write, quiet.write, [])


@contextmanager
def _control(*arguments: str) -> Iterator[tuple[int, int]]:
    """Port and process of a control."""
    port = free_port()
    name, *more = arguments
    command = [sys.executable, "-m", "tests.benchmark.door_controls", name, str(port), *more]
    process = subprocess.Popen(command, env=dict(os.environ))  # noqa: TID251 -- a child's environment
    try:
        wait_until(lambda: _answers(port), within_seconds=60, what=f"{name} answers")
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code > 0
    except httpx.TransportError:
        return False


async def _control_cpu(port: int, pid: int, bodies: list[bytes]) -> float:
    before = cpu_of([pid])
    answers = await send_all(port, [post(body, "none") for body in bodies], _CONNECTIONS)
    assert dict(answers) == {200: len(bodies)}, answers
    return cpu_of([pid]) - before


def singles(run: int, count: int) -> list[bytes]:
    """So many touchpoints, each a request."""
    return [msgspec.json.encode(touchpoint(run, number)) for number in range(count)]


def batches(run: int, events: int) -> list[bytes]:
    """So many touchpoints in requests of 100."""
    return protocol_bodies.batches("native", run, events, _BATCH)


def _micros(pairs: list[tuple[float, float]], side: int, count: int) -> str:
    costs = sorted(pair[side] for pair in pairs)
    return f"{costs[len(costs) // 2] / count * 1e6:.1f}"
