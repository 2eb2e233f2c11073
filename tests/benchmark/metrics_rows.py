"""What a funnel costs a reader: against the least an answer from this database can cost, and as leads grow."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from shared.access import KeyKind, Scope
from shared.clock import DAY, SystemClock, to_text
from shared.database.access import create_key, create_workspace
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from tests.benchmark.bench_database import Server, bench_server
from tests.benchmark.funnel_data import load
from tests.benchmark.measure import BLOCK, Bound, Row, cpu_of
from tests.served import free_port
from tests.waiting import eventually

_ROUNDS: Final = 15
_PER_ROUND: Final = 40
_RANGES: Final = 25
"""So many different 30-day ranges are asked for by turns, so no answer is the one before."""


async def rows(*, quick: bool) -> list[Row]:
    """R14 and R15: wall-clock medians over HTTP, by turns, one request at a time; CPU per request is printed beside."""
    few, many = (10_000, 100_000) if quick else (100_000, 1_000_000)
    async with bench_server() as server, AsyncExitStack() as stack:
        small = await stack.enter_async_context(_metrics(server, few))
        large = await stack.enter_async_context(_metrics(server, many))
        floor = await stack.enter_async_context(_floor(small.dsn))
        for service in (small, large, floor):
            await service.warm()
        times: dict[str, list[float]] = {"small": [], "large": [], "floor": []}
        used = {"small": 0.0, "large": 0.0, "floor": 0.0}
        for _ in range(_ROUNDS):
            for name, service in (("small", small), ("floor", floor), ("large", large)):
                before = cpu_of([service.process.pid])
                times[name].append(await service.round())
                used[name] += cpu_of([service.process.pid]) - before
        return _rows(times, used, few, many)


def _rows(times: dict[str, list[float]], used: dict[str, float], few: int, many: int) -> list[Row]:
    cpu = {name: seconds / (_ROUNDS * _PER_ROUND) * 1e6 for name, seconds in used.items()}
    wall = {name: statistics.median(medians) * 1e3 for name, medians in times.items()}
    beside = f"p50 {wall['large']:.2f} ms / {wall['floor']:.2f} ms; CPU {cpu['large']:.0f} us / {cpu['floor']:.0f} us"
    return [
        Row(
            "R14",
            f"30-day funnel by channel with quantiles, {many:,} leads, p50 / (ASGI + primary-key select)",
            Bound("at most", 6, BLOCK),
            [funnel / floor for funnel, floor in zip(times["large"], times["floor"], strict=True)],
            beside,
        ),
        Row(
            "R15",
            f"the same p50, {many:,} leads / {few:,} leads",
            Bound("at most", 1.2, BLOCK),
            [large / small for large, small in zip(times["large"], times["small"], strict=True)],
            f"CPU {cpu['large']:.0f} us / {cpu['small']:.0f} us",
        ),
    ]


@dataclass(slots=True)
class _Service:
    """A server process and one connection to it."""

    process: asyncio.subprocess.Process
    dsn: str
    port: int
    requests: Sequence[bytes]
    asked: int = 0
    lines: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def warm(self) -> None:
        """Connect, and ask every request once, so that what is held in memory is held."""
        self.lines = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in self.requests:
            await self.ask()

    async def round(self) -> float:
        """The median seconds of some requests."""
        return statistics.median([await self.ask() for _ in range(_PER_ROUND)])

    async def ask(self) -> float:
        """One request and its whole answer, over the kept connection. Anything but 200 ends the benchmark."""
        if self.lines is None:
            raise RuntimeError("warm up first")
        reader, writer = self.lines
        request = self.requests[self.asked % len(self.requests)]
        self.asked += 1
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        taken = time.perf_counter() - began
        if b" 200 " not in head[:16]:
            raise RuntimeError(head.decode())
        return taken


@asynccontextmanager
async def _metrics(server: Server, leads: int) -> AsyncIterator[_Service]:
    dsn, port, now = await server.fresh(), free_port(), SystemClock().now()
    workspace, key = await _workspace(dsn)
    administrator = server.cluster.administrator_dsn(urlsplit(dsn).path.lstrip("/"))
    await load(administrator, workspace, leads, now)
    environment = {
        "METRICS_PORT": str(port),
        "METRICS_DATABASE_DSN": dsn,
        "METRICS_LOG_DSN": dsn,
        "METRICS_LOG_KIND": "postgres",
    }
    today = now // DAY * DAY + DAY
    requests = [
        f"GET /v1/funnel?by=channel&from={to_text(end - 30 * DAY)}&to={to_text(end)} HTTP/1.1\r\n"
        f"host: x\r\nauthorization: Bearer {key}\r\n\r\n".encode()
        for end in (today - number * DAY for number in range(_RANGES))
    ]
    async with _served(["-m", "services.metrics"], environment, port) as process:
        yield _Service(process, dsn, port, requests)


@asynccontextmanager
async def _floor(dsn: str) -> AsyncIterator[_Service]:
    port = free_port()
    request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    async with _served(["-m", "tests.benchmark.floor", dsn, str(port)], {}, port) as process:
        yield _Service(process, dsn, port, [request])


@asynccontextmanager
async def _served(
    arguments: Sequence[str], environment: dict[str, str], port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await eventually(lambda: _listens(port), within_seconds=30, what=f"{arguments[1]} listens")
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _workspace(dsn: str) -> tuple[UUID, str]:
    engine = create_engine(dsn, Role.INGEST_WORKER)
    async with writing(engine) as session:
        found = await create_workspace(session, "benchmark", 0)
        key = await create_key(session, found.id, KeyKind.SECRET, 0, scopes=frozenset(Scope))
    await engine.dispose()
    return found.id, key.text
