"""One batch of lead changes: a fact of a higher version moves the cells by what it adds less what it added before."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from services.metrics.domain.calendar import Calendar
from services.metrics.domain.contribution import Cell, ValueNumbers, add
from services.metrics.domain.cycle import ENDS, STEPS, Cycle, attributes_of, without_gaps
from services.metrics.store import changes as store
from services.metrics.store.changes import FactKey, ShardChange, Version
from services.metrics.store.dictionary import calendars, value_numbers
from shared.clock import HOUR, Clock
from shared.contracts.codec import decode_change
from shared.contracts.lead_change import CycleFact, Dimensions, LeadChange
from shared.database.connection import Connection
from shared.errors import InvalidRecord
from shared.streaming.processor import Handled
from shared.streaming.types import Batch
from shared.vocabulary import SHARD_COUNT, Code

LATE_AFTER: Final = HOUR
"""A change that took effect longer before it was recorded counts as late."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A fact as told: its version, what it says now, and whether it came late."""

    fact: Version
    is_late: bool
    model_version: int


class ChangeHandler:
    """Counts lead changes. ``zones`` are those a workspace seen for the first time gets beside UTC."""

    def __init__(self, zones: Sequence[str], clock: Clock) -> None:
        self._zones = zones
        self._clock = clock
        self._log = structlog.get_logger("metrics.changes")

    async def handle(self, connection: Connection, batch: Batch) -> Handled:
        """Apply a batch inside the transaction that claimed it. Statements do not grow with the batch.

        A record that cannot be read is refused: it stays in the log and in scoring's outbox, and a reconcile shows it.
        """
        incoming: dict[FactKey, Incoming] = {}
        refused = 0
        for record in batch.records:
            try:
                newest(incoming, facts_of(decode_change(record.value)))
            except InvalidRecord as error:
                refused += 1
                self._log.warning(
                    "change.refused", partition=batch.partition.index, offset=record.offset, reason=error.reason.value
                )
        fresh = await count(connection, incoming, self._zones, self._clock.now())
        return Handled(records=len(batch.records), fresh=fresh, refused=refused)


async def count(connection: Connection, incoming: Mapping[FactKey, Incoming], zones: Sequence[str], now: int) -> int:
    """Apply facts inside the caller's transaction; returns how many were newer than what was stored."""
    if not incoming:
        return 0
    await store.lock_shards(connection, sorted({key[:2] for key in incoming}))
    stored = await store.stored_facts(connection, sorted(incoming))
    fresh = {
        key: told for key, told in incoming.items() if key not in stored or stored[key].version < told.fact.version
    }
    if not fresh:
        return 0
    workspaces = sorted({key.workspace_id for key in fresh})
    counted_in = await calendars(connection, workspaces, zones)
    numbers = await _numbers(connection, [(key, fact) for key in fresh for fact in (fresh[key].fact, stored.get(key))])
    moved = _moved(fresh, stored, counted_in, numbers)
    await store.keep_facts(connection, {key: told.fact for key, told in fresh.items()})
    await store.increment(connection, {key: change.cells for key, change in moved.items()})
    await store.revise(connection, moved, now)
    return len(fresh)


def newest(into: dict[FactKey, Incoming], facts: Iterable[tuple[FactKey, Incoming]]) -> None:
    """Keep the highest version of each fact."""
    for key, told in facts:
        present = into.get(key)
        if present is None or present.fact.version < told.fact.version:
            into[key] = told


def facts_of(change: LeadChange) -> list[tuple[FactKey, Incoming]]:
    """The facts of a change, under the keys they are kept by. Raises InvalidRecord."""
    try:
        workspace, lead = UUID(change.workspace), UUID(change.lead_id)
    except ValueError as error:
        raise InvalidRecord(Code.WRONG_TYPE, "workspace and lead_id are UUIDs") from error
    is_late = change.recorded_at - change.at > LATE_AFTER
    return [
        (
            FactKey(workspace, lead.int % SHARD_COUNT, lead, name),
            Incoming(Version(change.version, None if fact is None else cycle_of(fact)), is_late, change.model_version),
        )
        for name, fact in change.facts.items()
    ]


def cycle_of(fact: CycleFact) -> Cycle:
    """The cycle in a fact as told. Raises InvalidRecord for words that are not ours."""
    if not fact.steps.keys() <= set(STEPS) or (fact.exit is not None and fact.exit not in ENDS):
        raise InvalidRecord(Code.UNKNOWN_VALUE, "a step or an exit is not one of the statuses")
    if (fact.exit is None) != (fact.exited_at is None):
        raise InvalidRecord(Code.MISSING, "exit and exited_at come together")
    told = Cycle(
        number=fact.cycle,
        entered=tuple(fact.steps.get(step) for step in STEPS),
        attributes=attributes_of({name: getattr(fact.dimensions, name) for name in Dimensions.__struct_fields__}),
        ended=fact.exit,
        ended_at=fact.exited_at,
    )
    return without_gaps(told)


async def _numbers(connection: Connection, facts: Iterable[tuple[FactKey, Version | None]]) -> dict[UUID, ValueNumbers]:
    wanted = {
        (key.workspace_id, dimension, value)
        for key, fact in facts
        if fact is not None and fact.cycle is not None
        for dimension, value in enumerate(fact.cycle.attributes, start=1)
        if value is not None
    }
    numbers: dict[UUID, dict[tuple[int, str], int]] = {}
    for (workspace, dimension, value), number in (await value_numbers(connection, sorted(wanted))).items():
        numbers.setdefault(workspace, {})[dimension, value] = number
    return dict(numbers)


def _moved(
    fresh: Mapping[FactKey, Incoming],
    stored: Mapping[FactKey, Version],
    counted_in: Mapping[UUID, Sequence[Calendar]],
    numbers: Mapping[UUID, ValueNumbers],
) -> dict[tuple[UUID, int], ShardChange]:
    """What the facts move in the cells of each shard."""
    moved: dict[tuple[UUID, int], ShardChange] = {}
    cells: dict[tuple[UUID, int], Counter[Cell]] = {}
    for key, told in fresh.items():
        place, workspace = (key.workspace_id, key.shard), key.workspace_id
        change = moved.setdefault(place, ShardChange({}, 0, 0))
        change.late_count += told.is_late
        change.model_version = max(change.model_version, told.model_version)
        into = cells.setdefault(place, Counter())
        before = stored[key].cycle if key in stored else None
        for cycle, sign in ((told.fact.cycle, 1), (before, -1)):
            if cycle is not None:
                add(into, cycle, sign, counted_in[workspace], numbers.get(workspace, {}))
    for place, change in moved.items():
        change.cells = {cell: count for cell, count in cells[place].items() if count}
    return moved
