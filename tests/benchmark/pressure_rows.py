"""The door under load: how long an answer takes, what is left of it when far too much comes, and who pays for that.

On a real broker and on the embedded log. Load comes by a schedule (``open_load``). By the clock, as latency is; the
load, the log and the door share this machine's cores.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Container, Iterator
from itertools import count
from typing import Final

import psutil
from confluent_kafka import Producer as ConfluentProducer

from tests.benchmark.ingest_rows import Bench, batches, bench, singles
from tests.benchmark.load import post
from tests.benchmark.measure import REPORT, Bound, Row, cpu_of, paired
from tests.benchmark.open_load import OpenLoad, p99

_PAIRS: Final = 5
_BATCH: Final = 100
_RUNS: Final = count(1_000)
_LOUDER: Final = 50
_OVERLOAD: Final = 3
_PATIENCE_SECONDS: Final = 5.0


async def rows(*, quick: bool, wanted: Container[str] = ("R5", "R21", "fairness")) -> list[Row]:
    """Those ``wanted``. ``quick`` measures for a third of the time."""
    seconds = 2.0 if quick else 6.0
    found: list[Row] = []
    for log in ("Kafka", "embedded log"):
        async with bench(embedded=log != "Kafka") as door:
            peak = await _singles_per_second(door)
            if "R5" in wanted and door.servers:
                found.append(await _latency(door, peak / 2, seconds))
            if "fairness" in wanted:
                found.append(await _fairness(door, peak / 2, seconds, log))
            if "R21" in wanted:
                found.extend(await _overload(door, seconds, log))
    return found


async def _singles_per_second(door: Bench) -> float:
    """What the door does at most when each of 256 clients waits for its answer."""
    await door.take(singles(next(_RUNS), 2_000), 2_000)
    bodies = singles(next(_RUNS), 10_000)
    began = time.perf_counter()
    await door.take(bodies, len(bodies))
    return len(bodies) / (time.perf_counter() - began)


async def _latency(door: Bench, rate: float, seconds: float) -> Row:
    """p99 of a durable POST at half of what the door can do / of confluent's acknowledgement at the same rate.

    Both from when it was due. confluent's producer lingers 5 ms, ours 3.
    """
    client = ConfluentProducer(
        {"bootstrap.servers": door.servers, "acks": "all", "enable.idempotence": True, "linger.ms": 5}
    )

    async def ours(_: int) -> float:
        return p99(await _posted(door, door.key, rate, seconds))

    async def control(_: int) -> float:
        return p99(await asyncio.to_thread(_acknowledged, client, rate, seconds))

    await ours(0)
    await control(0)
    pairs = await paired(ours, control, _PAIRS)
    what = "durable POST, p99 at half load / p99 of confluent's acknowledgement at the same rate"
    beside = f"{_millis(pairs, 0)} against {_millis(pairs, 1)} ms at {rate:,.0f}/s"
    figures = [own / other for own, other in pairs]
    return Row("R5", what, Bound("at most", 3, REPORT), figures, beside, await door.differing())


async def _fairness(door: Bench, load: float, seconds: float, log: str) -> Row:
    """p99 of a quiet workspace while a loud one sends 50 times as much, half of what the door can do / p99 alone."""
    rate = load / (_LOUDER + 1)

    async def beside_loud(_: int) -> float:
        command = [str(door.door.port), door.key, str(rate * _LOUDER), str(seconds + 4), str(next(_RUNS))]
        loud = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, *command, stdout=PIPE)
        try:
            await asyncio.sleep(2)  # it has begun
            quiet = await _posted(door, door.quiet_key, rate, seconds)
        finally:
            said = (await loud.communicate())[0]
        door.accepted.append(int(said))
        return p99(quiet)

    async def alone(_: int) -> float:
        return p99(await _posted(door, door.quiet_key, rate, seconds))

    await alone(0)
    pairs = await paired(beside_loud, alone, _PAIRS)
    what = f"{log}: p99 of a quiet workspace beside one that sends 50 times as much / p99 alone"
    beside = f"{_millis(pairs, 0)} against {_millis(pairs, 1)} ms, {rate:,.0f}/s and {rate * _LOUDER:,.0f}/s"
    figures = [own / other for own, other in pairs]
    return Row(f"fairness, {log}", what, Bound("at most", 1.5, REPORT), figures, beside, await door.differing())


async def _overload(door: Bench, seconds: float, log: str) -> list[Row]:
    """Events accepted per CPU second of the door, three times as many being sent / at its peak; growth of its memory.

    In requests of 100; clients hang up after five seconds. By CPU, as who sends three times as much takes the door's
    processor here; what refusing costs is in it.
    """
    process = psutil.Process(door.door.process.pid)
    await door.take(batches(next(_RUNS), 40_000), 40_000)
    before = process.memory_info().rss
    most = before
    statuses: dict[int, int] = {}

    async def peak(_: int) -> float:
        return 40_000 / await door.take(batches(next(_RUNS), 40_000), 40_000)

    async def overloaded(_: int) -> float:
        nonlocal most
        bodies = batches(next(_RUNS), 40_000)
        began = time.perf_counter()
        await door.take(bodies, 40_000)
        rate = _OVERLOAD * 40_000 / (time.perf_counter() - began) / _BATCH
        load = OpenLoad(door.door.port, _prepared(door.key), rate, 512, _PATIENCE_SECONDS)
        cpu = cpu_of([process.pid])
        running = asyncio.create_task(load.run(2 * seconds))
        while not running.done():
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.05)
        cpu = cpu_of([process.pid]) - cpu
        for status, answers in (await running).seconds.items():
            statuses[status] = statuses.get(status, 0) + len(answers)
        door.accepted.append(load.answered.count(200) * _BATCH)
        return load.answered.count(200) * _BATCH / cpu

    pairs = await paired(overloaded, peak, 3)
    rates = sorted(own for own, _ in pairs)
    told = ", ".join(f"{number} of {status or 'given up'}" for status, number in sorted(statuses.items()))
    beside = f"{rates[len(rates) // 2]:,.0f} events per CPU second; requests: {told}"
    goodput = [own / other for own, other in pairs]
    grown = (most - before) / 2**20
    return [
        Row(f"R21, {log}", f"{log}: goodput at three times its peak / peak", _at_least(0.9), goodput, beside),
        Row(f"R21 memory, {log}", f"{log}: growth of its memory meanwhile, MiB", _at_most(64), [grown]),
    ]


async def _load(port: int, key: str, rate: float, seconds: float, run: int) -> int:
    """How many were accepted."""
    requests = (post(body, key) for number in count(run * 1_000) for body in singles(number, 2_000))
    answered = await OpenLoad(port, requests, rate, 64, _PATIENCE_SECONDS).run(seconds)
    assert set(answered.seconds) == {200}, answered.seconds.keys()
    return answered.count(200)


async def _posted(door: Bench, key: str, rate: float, seconds: float) -> list[float]:
    """Seconds that each durable POST took; fails when one was not answered 200."""
    requests = (post(body, key) for body in _endless())
    answered = await OpenLoad(door.door.port, requests, rate, 64, _PATIENCE_SECONDS).run(seconds)
    assert set(answered.seconds) == {200}, {status: len(took) for status, took in answered.seconds.items()}
    door.accepted.append(answered.count(200))
    return answered.seconds[200]


def _endless() -> Iterator[bytes]:
    for number in _RUNS:
        yield from singles(number, 2_000)


def _prepared(key: str) -> Iterator[bytes]:
    """The same requests again and again: making them must not take the door's processor. The log does not mind."""
    requests = [post(body, key) for body in batches(next(_RUNS), 20_000)]
    while True:
        yield from requests


def _acknowledged(client: ConfluentProducer, rate: float, seconds: float) -> list[float]:
    """Seconds from when each message was due to its acknowledgement."""
    took: list[float] = []
    bodies = _endless()
    begun = time.perf_counter()
    sent = 0
    while (now := time.perf_counter()) < begun + seconds:
        for number in range(sent, int((now - begun) * rate)):
            due = begun + number / rate

            def acknowledged(error: object, _message: object, due: float = due) -> None:
                assert error is None, error
                took.append(time.perf_counter() - due)

            client.produce("theirs", next(bodies), partition=number % 8, on_delivery=acknowledged)
            sent += 1
        client.poll(0.001)
    client.flush(30)
    return took


def _at_least(value: float) -> Bound:
    return Bound("at least", value, REPORT)


def _at_most(value: float) -> Bound:
    return Bound("at most", value, REPORT)


def _millis(pairs: list[tuple[float, float]], side: int) -> str:
    took = sorted(pair[side] for pair in pairs)
    return f"{took[len(took) // 2] * 1e3:.1f}"


if __name__ == "__main__":
    os.nice(10)  # who makes the noise must not be what is in the way
    to, by, often, long, nth = sys.argv[1:]
    sys.stdout.write(str(asyncio.run(_load(int(to), by, float(often), float(long), int(nth)))))
