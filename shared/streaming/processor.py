"""One batch of one partition, one transaction: claim, handle, commit. The claim makes effects exact, whoever runs."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, runtime_checkable

import asyncpg
from asyncpg.transaction import Transaction

from shared.database.pool import borrowed
from shared.errors import Transient
from shared.streaming import refusals
from shared.streaming.positions import claim
from shared.streaming.types import Batch, Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What a handler made of a batch: how many records, how many of them new to us, how many refused with a reason.

    ``conflicts`` counts, by workspace and protocol, those under the id of another; anybody can send such ones, so they
    are not among the refused, of which too many stop a partition. ``oldest_received_at`` is the earliest instant
    (microseconds) at which one of them came through the door, if known.
    """

    records: int
    fresh: int = 0
    refused: int = 0
    conflicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    oldest_received_at: int | None = None


_Handle: TypeAlias = Callable[[asyncpg.Connection, Batch], Awaitable[Handled]]
_TRANSACTION_TIMEOUT: Final = "25P04"


class Handler(Protocol):
    """Turns a batch into state, inside the transaction that has already claimed it."""

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        """Decide and write. Must not commit, and must send as many statements for one record as for a thousand.

        Everything that can refuse a record is decided before its id is remembered; refusals go to the outbox.
        """
        ...


@runtime_checkable
class Refuser(Protocol):
    """A handler that can keep one record aside which the database does not take, whatever the reason."""

    async def refuse(self, connection: asyncpg.Connection, batch: Batch, reason: str) -> Handled:
        """Keep the batch's one record with the reason, inside the transaction that has claimed it."""
        ...


class BatchProcessor:
    """Runs a handler so that each batch takes effect exactly once per group.

    A transaction that claims a position holds its row, so its length is bounded by the pool's server-side limits. A
    batch that is too much for one transaction, or that holds what the database does not take, is halved: in the end
    one record is refused by itself, and the others are not its hostages.
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
        When it raises, a first part of a halved batch may have been committed under its own claim.
        """
        try:
            async with borrowed(self._pool) as connection:
                return await self._within(connection, batch, self._handler.handle)
        except Transient as error:
            if not _is_too_much(error) or len(batch.records) < 2:  # noqa: PLR2004 - one record cannot be halved
                raise
        except (asyncpg.DataError, asyncpg.ProgramLimitExceededError) as error:
            if not isinstance(self._handler, Refuser):
                raise
            if len(batch.records) == 1:
                return await self._refuse(self._handler, batch, str(error))
        first, second = halves(batch)
        return _sum(await self.process(first), await self.process(second))

    async def _refuse(self, handler: Refuser, batch: Batch, reason: str) -> Handled:
        async with borrowed(self._pool) as connection:
            return await self._within(connection, batch, lambda own, one: handler.refuse(own, one, reason))

    async def _within(self, connection: asyncpg.Connection, batch: Batch, handle: _Handle) -> Handled:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await claim(connection, self._group, batch)
            handled = await handle(connection, batch)
            past = self._refusals.get(batch.partition, refusals.Refusals())
            present = refusals.advance(past, handled.records, handled.refused)
        except BaseException:
            await _give_up(transaction)
            raise
        await transaction.commit()
        self._refusals[batch.partition] = present
        return handled


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """Two batches that follow each other and are together this one, which has at least two records."""
    middle = len(batch.records) // 2
    border = batch.records[middle].offset
    return (
        Batch(batch.partition, batch.start, border, batch.records[:middle]),
        Batch(batch.partition, border, batch.end, batch.records[middle:]),
    )


def _is_too_much(error: BaseException | None) -> bool:
    """Whether the server ended the transaction for its length; the driver wraps that in the loss of the connection."""
    while error is not None:
        if getattr(error, "sqlstate", None) == _TRANSACTION_TIMEOUT:
            return True
        error = error.__cause__
    return False


def _sum(first: Handled, second: Handled) -> Handled:
    known = [at for at in (first.oldest_received_at, second.oldest_received_at) if at is not None]
    return Handled(
        records=first.records + second.records,
        fresh=first.fresh + second.fresh,
        refused=first.refused + second.refused,
        conflicts=first.conflicts + second.conflicts,
        oldest_received_at=min(known, default=None),
    )


async def _give_up(transaction: Transaction) -> None:
    """Roll back; a connection that cannot any more is thrown away by the pool, and the server rolls back for it."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await transaction.rollback()
