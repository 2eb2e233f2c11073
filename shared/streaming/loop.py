"""Drives batches from the log through the processor until told to stop, and heals what heals by itself."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import asyncpg

from shared.database.pool import borrowed
from shared.errors import Fenced, Transient
from shared.streaming import positions
from shared.streaming.backoff import Backoff
from shared.streaming.observer import Observer
from shared.streaming.ports import Consumer, Log, LogAdmin
from shared.streaming.processor import BatchProcessor, Handled
from shared.streaming.types import Batch, Partition
from shared.streaming.watchdog import Watchdog, lag

_POLL_GRACE_SECONDS = 10.0
"""A poll that overstays its timeout by this much will never return; the consumer is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How a loop paces itself. ``transient_budget_seconds`` stays well under the log's own patience with a member."""

    max_records: int = 2_000
    poll_timeout_seconds: float = 0.5
    concurrent_batches: int = 4
    transient_budget_seconds: float = 60.0
    stuck_after_seconds: float = 10.0
    check_every_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """How the loop is doing. ``lag`` is in records of the whole group, None until it was first read."""

    ready: bool = False
    failing: str | None = None
    assigned: int = 0
    lag: int | None = None


class StreamLoop:
    """One member of a group: positions new partitions, polls, processes batches of different partitions at once.

    Within a partition batches are processed one after the other. A failure that passes by itself is waited for with
    backoff, and the position is read again, since the commit may have happened.
    """

    def __init__(
        self,
        *,
        group: str,
        topic: str,
        member_id: str,
        log: Log,
        pool: asyncpg.Pool,
        processor: BatchProcessor,
        observer: Observer,
        settings: LoopSettings | None = None,
    ) -> None:
        self._group = group
        self._topic = topic
        self._member_id = member_id
        self._log = log
        self._pool = pool
        self._processor = processor
        self._observer = observer
        self._settings = settings or LoopSettings()
        self._lost: set[Partition] = set()
        self._stuck: frozenset[Partition] = frozenset()
        self._assigned: frozenset[Partition] = frozenset()
        self._health = Health()

    @property
    def health(self) -> Health:
        """What readiness and liveness answer from."""
        return self._health

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, finish the batches begun, leave the group.

        Raises PositionLost and RefusalLimit at once, Transient when the budget is spent, and any bug as it is; the
        process ends with it and starts afresh.
        """
        monotonic = asyncio.get_running_loop().time
        backoff = Backoff(random.random, monotonic, self._settings.transient_budget_seconds)
        admin = self._log.admin()
        watching = asyncio.create_task(self._watch(admin))
        try:
            while not stop.is_set():
                consumer = self._log.consumer(self._group, self._topic, self._member_id)
                try:
                    await self._consume(consumer, admin, backoff, watching, stop)
                finally:
                    await consumer.close()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await admin.close()

    async def _consume(
        self,
        consumer: Consumer,
        admin: LogAdmin,
        backoff: Backoff,
        watching: asyncio.Task[None],
        stop: asyncio.Event,
    ) -> None:
        """Step until stopped or stuck."""
        self._stuck = frozenset()
        while not stop.is_set():
            if watching.done():
                watching.result()
            if self._stuck:
                self._observer.rebuilt(self._stuck)
                return
            try:
                await self._step(consumer, admin)
            except Transient as error:
                await self._pause(error, backoff, stop)
            else:
                backoff.succeeded()
                self._assigned = consumer.assigned()
                self._health = replace(self._health, ready=True, failing=None, assigned=len(self._assigned))

    async def _step(self, consumer: Consumer, admin: LogAdmin) -> None:
        await self._position(consumer, admin)
        try:
            async with asyncio.timeout(self._settings.poll_timeout_seconds + _POLL_GRACE_SECONDS):
                batches = await consumer.poll(self._settings.max_records, self._settings.poll_timeout_seconds)
        except TimeoutError:
            self._stuck = consumer.assigned()
            raise Transient("the log's client did not come back from a poll") from None
        if batches:
            failure = await self._process(batches)
            await consumer.report(
                {batch.partition: batch.end for batch in batches if batch.partition not in self._lost}
            )
            if failure is not None:
                raise failure

    async def _position(self, consumer: Consumer, admin: LogAdmin) -> None:
        """Seek every partition that is new to us, or whose position we no longer know."""
        wanted = consumer.unpositioned() | (self._lost & consumer.assigned())
        if wanted:
            known = await self._load()
            if unseeded := positions.missing(wanted, known):
                beginnings = await admin.beginnings(self._topic)
                await self._seed({partition: beginnings[partition] for partition in unseeded})
                known = await self._load()
            for partition in wanted:
                consumer.seek(partition, known[partition])
        self._lost.clear()

    async def _process(self, batches: Sequence[Batch]) -> Transient | None:
        """Process every batch, so many at once. Returns the first failure that passes by itself, raises any other."""
        slots = asyncio.Semaphore(self._settings.concurrent_batches)
        outcomes = await asyncio.gather(*(self._one(batch, slots) for batch in batches), return_exceptions=True)
        transient = None
        for outcome in outcomes:
            if isinstance(outcome, Transient):
                transient = transient or outcome
            elif isinstance(outcome, BaseException):
                raise outcome
        return transient

    async def _one(self, batch: Batch, slots: asyncio.Semaphore) -> Handled | None:
        monotonic = asyncio.get_running_loop().time
        async with slots:
            began = monotonic()
            try:
                handled = await self._processor.process(batch)
            except Fenced:
                self._lost.add(batch.partition)
                self._observer.fenced(batch)
                return None
            except Transient:
                self._lost.add(batch.partition)
                raise
            except Exception as error:
                error.add_note(f"while {self._group} processed {batch.partition} from {batch.start} to {batch.end}")
                raise
        self._observer.processed(batch, handled, monotonic() - began)
        return handled

    async def _pause(self, error: Transient, backoff: Backoff, stop: asyncio.Event) -> None:
        seconds = backoff.failed()
        self._observer.retried(error)
        self._health = replace(self._health, failing=str(error))
        if seconds is None:
            raise error
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()

    async def _watch(self, admin: LogAdmin) -> None:
        """Compare ends with positions now and then; says what is stuck, and the lag."""
        watchdog = Watchdog(self._settings.stuck_after_seconds)
        monotonic = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._settings.check_every_seconds)
            try:
                known = await self._load()
                ends = await admin.ends(self._topic)
            except Transient:
                # The loop itself meets the same outage and answers for it; being away is not being stuck.
                watchdog.reset()
                continue
            behind = lag(ends, known)
            self._health = replace(self._health, lag=behind)
            self._observer.lagged(behind)
            if stuck := watchdog.stuck(monotonic(), ends, known, self._assigned):
                self._stuck = stuck
                watchdog.reset()

    async def _load(self) -> dict[Partition, int]:
        async with borrowed(self._pool) as connection:
            return await positions.load(connection, self._group, self._topic)

    async def _seed(self, beginnings: dict[Partition, int]) -> None:
        async with borrowed(self._pool) as connection:
            await positions.seed(connection, self._group, self._topic, beginnings)
