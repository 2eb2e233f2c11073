"""One batch of one partition, one transaction: claim, handle, commit. The claim makes effects exact, whoever runs."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import asyncpg
from asyncpg.transaction import Transaction

from shared.database.pool import borrowed
from shared.streaming import refusals
from shared.streaming.positions import claim
from shared.streaming.types import Batch, Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What a handler made of a batch: how many records, how many of them new to us, how many refused with a reason.

    ``oldest_received_at`` is the earliest instant (microseconds) at which one of them came through the door, if known.
    """

    records: int
    fresh: int = 0
    refused: int = 0
    oldest_received_at: int | None = None


class Handler(Protocol):
    """Turns a batch into state, inside the transaction that has already claimed it."""

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        """Decide and write. Must not commit, and must send as many statements for one record as for a thousand.

        Everything that can refuse a record is decided before its id is remembered; refusals go to the outbox.
        """
        ...


class BatchProcessor:
    """Runs a handler so that each batch takes effect exactly once per group.

    A transaction that claims a position holds its row, so its length is bounded by the pool's server-side limits.
    """

    def __init__(self, pool: asyncpg.Pool, group: str, handler: Handler) -> None:
        self._pool = pool
        self._group = group
        self._handler = handler
        self._refusals: dict[Partition, refusals.Refusals] = {}

    async def process(self, batch: Batch) -> Handled:
        """Claim, handle and commit ``batch``, all or nothing.

        Raises Fenced when the position is not where the batch starts; Transient when the database gave up (the commit
        may still have happened: read the position again); RefusalLimit, with nothing written, when refusals pile up.
        """
        async with borrowed(self._pool) as connection:
            return await self._within(connection, batch)

    async def _within(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await claim(connection, self._group, batch)
            handled = await self._handler.handle(connection, batch)
            past = self._refusals.get(batch.partition, refusals.Refusals())
            present = refusals.advance(past, handled.records, handled.refused)
        except BaseException:
            await _give_up(transaction)
            raise
        await transaction.commit()
        self._refusals[batch.partition] = present
        return handled


async def _give_up(transaction: Transaction) -> None:
    """Roll back; a connection that cannot any more is thrown away by the pool, and the server rolls back for it."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await transaction.rollback()
