"""Sums of cells held in memory, kept right by what later revisions add, so that a funnel costs a few additions.

A block holds a month of days of one dimension in one funnel's layout. Before it answers, the memory is brought to the
database's present revision, unless nothing was told to have changed since; sums that depend on each other are always of
one revision. Dimensions with many values are not held: their sums are read from the cells, in the same snapshot.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.metrics.domain import delta
from services.metrics.domain.calendar import HOURS, Calendar
from services.metrics.domain.contribution import CHANNEL_CAMPAIGN, REST
from services.metrics.domain.layout import Layout, Row
from services.metrics.queries import cells as queries
from services.metrics.queries.snapshot import looking
from shared.clock import SECOND, Clock
from shared.database.connection import Connection, Pool

BLOCK_DAYS: Final = 32
MOST_VALUES: Final = 64
"""Dimensions with more values than this are not held in memory."""

_DAYS_PER_STATEMENT: Final = 8
_TRUSTED_FOR: Final = SECOND
"""Without being told of a change, memory is believed for this long at most."""

_VALUES_TO_SPARE: Final = 4

_Counts = npt.NDArray[np.int32]


@dataclass(slots=True)
class _Block:
    """Counts by day, value and column; ``below`` holds their sums of all days before each, made when first asked."""

    counts: _Counts
    below: _Counts | None = None

    @property
    def size(self) -> int:
        """Bytes held, those of the sums included."""
        return 2 * self.counts.nbytes

    def total(self, first: int, end: int, values: int) -> _Counts:
        """The sums over the days ``[first, end)`` of the first so many values."""
        if self.below is None:
            self.below = np.zeros((BLOCK_DAYS + 1, *self.counts.shape[1:]), dtype=np.int32)
            np.cumsum(self.counts, axis=0, out=self.below[1:])
        return self.below[end, :values] - self.below[first, :values]

    def add(self, days: _Counts, values: _Counts, columns: _Counts, counts: _Counts) -> None:
        """Add to single counts."""
        np.add.at(self.counts, (days, values, columns), counts)
        self.below = None


@dataclass(frozen=True, slots=True)
class Need:
    """Sums over the periods ``[first, end)`` of one dimension of a calendar."""

    calendar: int
    dimension: int
    layout: Layout
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """One row of sums per value, in the columns of the layout."""

    values: Sequence[int]
    rows: Row


@dataclass(frozen=True, slots=True)
class Known:
    """What goes with the sums: the instant they are of, and the words of the workspace.

    ``heights`` holds per dimension one more than its highest value number.
    """

    as_of: int
    calendars: tuple[Calendar, ...]
    numbers: Mapping[tuple[int, str], int]
    texts: Mapping[tuple[int, int], str]
    heights: Mapping[int, int]
    late_count: int
    model_version: int


_Key = tuple[int, int, Layout, int]


@dataclass(slots=True)
class _Memory:
    """What is held of one workspace, all of it at the same revisions."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    revisions: dict[int, int] | None = None
    blocks: OrderedDict[_Key, _Block] = field(default_factory=OrderedDict)
    known: Known | None = None
    is_dirty: bool = True


class Cubes:
    """The memory of one process. ``budget_bytes`` bounds the blocks; the ones used longest ago go first."""

    def __init__(self, pool: Pool, clock: Clock, budget_bytes: int = 256 * 1024 * 1024) -> None:
        self._pool = pool
        self._clock = clock
        self._budget = budget_bytes
        self._held = 0
        self.is_told = False
        """Whether changes are told; without that every question asks the database."""
        self._memories: OrderedDict[UUID, _Memory] = OrderedDict()

    def changed(self, workspace: UUID | None) -> None:
        """Cells of a workspace (None: perhaps of any) have changed, or nobody can tell."""
        memories = self._memories.values() if workspace is None else filter(None, [self._memories.get(workspace)])
        for memory in memories:
            memory.is_dirty = True

    async def known(self, workspace: UUID) -> Known:
        """What is known of a workspace now. Raises Transient."""
        return (await self.sums(workspace, ()))[0]

    async def sums(self, workspace: UUID, needs: Sequence[Need]) -> tuple[Known, list[Table]]:
        """The sums asked for, all of one revision. Raises Transient when the database is needed and away."""
        memory = self._memories.setdefault(workspace, _Memory())
        self._memories.move_to_end(workspace)
        async with memory.lock:
            now = self._clock.now()
            known = memory.known
            if known is not None and self._is_believed(memory, known, now) and self._holds(memory, needs):
                return known, [self._from_memory(memory, need) for need in needs]
            return await self._from_database(workspace, memory, needs, now)

    async def _from_database(
        self, workspace: UUID, memory: _Memory, needs: Sequence[Need], now: int
    ) -> tuple[Known, list[Table]]:
        memory.is_dirty = False
        try:
            async with looking(self._pool, workspace) as connection:
                known = await self._refresh(connection, workspace, memory, now)
                tables = [await self._table(connection, workspace, memory, need) for need in needs]
        except BaseException:
            memory.is_dirty = True
            raise
        self._make_room(memory)
        return known, tables

    async def _refresh(self, connection: Connection, workspace: UUID, memory: _Memory, now: int) -> Known:
        """Bring the memory to the revisions of this snapshot."""
        shards = await queries.state(connection, workspace, memory.revisions)
        moved = [delta.decode(rows) for present in shards.values() for rows in present.deltas]
        has_missed = _has_missed(memory.revisions, shards)
        if has_missed:
            self._drop(memory)
        elif moved:
            self._add(memory, np.concatenate(moved))
        memory.revisions = {shard: present.revision for shard, present in shards.items()}
        before = None if moved or has_missed else memory.known
        memory.known = await _known(connection, workspace, shards, now, before)
        return memory.known

    async def _table(self, connection: Connection, workspace: UUID, memory: _Memory, need: Need) -> Table:
        if not _is_held(memory, need):
            place, periods = (need.calendar, need.dimension), (need.first, need.end)
            return _table_of(await queries.sums(connection, workspace, need.layout, place, periods), need.layout)
        for number in _blocks(need):
            key = (need.calendar, need.dimension, need.layout, number)
            if key not in memory.blocks:
                block = await _load(connection, workspace, key, _most_values(memory, need.dimension))
                memory.blocks[key] = block
                self._held += block.size
        return self._from_memory(memory, need)

    def _is_believed(self, memory: _Memory, known: Known, now: int) -> bool:
        return self.is_told and not memory.is_dirty and now - known.as_of <= _TRUSTED_FOR

    def _holds(self, memory: _Memory, needs: Sequence[Need]) -> bool:
        return all(
            _is_held(memory, need)
            and all((need.calendar, need.dimension, need.layout, number) in memory.blocks for number in _blocks(need))
            for need in needs
        )

    def _from_memory(self, memory: _Memory, need: Need) -> Table:
        height = _most_values(memory, need.dimension)
        rows = np.zeros((height, need.layout.width), dtype=np.int64)
        for number in _blocks(need):
            key = (need.calendar, need.dimension, need.layout, number)
            block = memory.blocks[key]
            memory.blocks.move_to_end(key)
            start = number * BLOCK_DAYS
            total = block.total(max(need.first - start, 0), min(need.end - start, BLOCK_DAYS), height)
            rows[: len(total)] += total
        return Table(range(height), rows)

    def _add(self, memory: _Memory, moved: _Counts) -> None:
        for key in list(memory.blocks):
            calendar, dimension, layout, number = key
            mine = moved[(moved[:, 0] == calendar) & (moved[:, 1] == dimension) & (moved[:, 2] // BLOCK_DAYS == number)]
            column = layout.column[mine[:, 4]]
            mine, column = mine[column >= 0], column[column >= 0]
            block = memory.blocks[key]
            if len(mine) and mine[:, 3].max() >= block.counts.shape[1]:
                self._held -= memory.blocks.pop(key).size
            elif len(mine):
                block.add(mine[:, 2] % BLOCK_DAYS, mine[:, 3], column, mine[:, 5])

    def _drop(self, memory: _Memory) -> None:
        self._held -= sum(block.size for block in memory.blocks.values())
        memory.blocks.clear()

    def _make_room(self, used: _Memory) -> None:
        for memory in [*self._memories.values(), used]:
            while self._held > self._budget and memory.blocks:
                self._held -= memory.blocks.popitem(last=False)[1].size


def _blocks(need: Need) -> range:
    return range(need.first // BLOCK_DAYS, (need.end - 1) // BLOCK_DAYS + 1)


def _is_held(memory: _Memory, need: Need) -> bool:
    if need.calendar == HOURS or need.dimension == CHANNEL_CAMPAIGN:
        return False
    return _most_values(memory, need.dimension) <= MOST_VALUES


def _most_values(memory: _Memory, dimension: int) -> int:
    return memory.known.heights.get(dimension, 1) if memory.known else 1


def _has_missed(known: Mapping[int, int] | None, shards: Mapping[int, queries.Shard]) -> bool:
    """Whether a revision since those known left no delta: a recount, or so long ago that it was forgotten."""
    if known is None:
        return True
    return any(shard.revision - known.get(number, 0) != len(shard.deltas) for number, shard in shards.items())


async def _load(connection: Connection, workspace: UUID, key: _Key, values: int) -> _Block:
    calendar, dimension, layout, number = key
    counts = np.zeros((BLOCK_DAYS, values + _VALUES_TO_SPARE, layout.width), dtype=np.int32)
    start = number * BLOCK_DAYS
    for first in range(start, start + BLOCK_DAYS, _DAYS_PER_STATEMENT):
        periods = (first, first + _DAYS_PER_STATEMENT)
        rows = await queries.sums(connection, workspace, layout, (calendar, dimension), periods, by_period=True)
        np.add.at(counts, (rows[:, 0] - start, rows[:, 1], layout.column[rows[:, 2]]), rows[:, 3])
    return _Block(counts)


def _table_of(rows: npt.NDArray[np.int64], layout: Layout) -> Table:
    values, places = np.unique(rows[:, 1], return_inverse=True)
    table = np.zeros((len(values), layout.width), dtype=np.int64)
    np.add.at(table, (places, layout.column[rows[:, 2]]), rows[:, 3])
    return Table(values.tolist(), table)


async def _known(
    connection: Connection, workspace: UUID, shards: Mapping[int, queries.Shard], now: int, before: Known | None
) -> Known:
    """The words are read again only after something has changed."""
    if before is not None:
        return replace(before, as_of=now)
    numbers = await queries.value_numbers(connection, workspace)
    heights: dict[int, int] = {}
    for (dimension, _text), number in numbers.items():
        heights[dimension] = max(heights.get(dimension, 1), number + 1)
    return Known(
        as_of=now,
        calendars=await queries.counted_calendars(connection, workspace),
        numbers=numbers,
        texts={(of, number): text for (of, text), number in numbers.items() if number != REST},
        heights=heights,
        late_count=sum(shard.late_count for shard in shards.values()),
        model_version=max((shard.model_version for shard in shards.values()), default=0),
    )
