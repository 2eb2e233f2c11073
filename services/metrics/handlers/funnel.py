"""A question to the lifecycle funnel, answered from sums where they are kept and from the facts where they are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from services.metrics.domain import behind
from services.metrics.domain.contribution import DIMENSIONS, REST, TOTAL
from services.metrics.domain.duration import WINDOWS
from services.metrics.domain.funnel import Sums, read
from services.metrics.domain.grouping import Grouped, Key, grouped
from services.metrics.domain.layout import Layout, Row, layout
from services.metrics.domain.question import (
    Question,
    Range,
    cells_for,
    dimensions_for,
    is_counted_apart,
)
from services.metrics.handlers.cubes import Cubes, Known, Need, Table
from services.metrics.queries.counts import counts
from services.metrics.queries.snapshot import looking
from shared.database.connection import Pool

Value = str | behind.Rest | None
"""An attribute's value as a group is known by it."""


@dataclass(frozen=True, slots=True)
class FunnelResult:
    """What a question found: sums of the total first, then of each group; ``keys`` and ``cells`` say which.

    ``mature`` holds the same of those whose window is over, None without a window. ``keys`` has no entry for the total.
    """

    question: Question
    known: Known
    source: str
    keys: Sequence[tuple[Value, ...]]
    cells: Sequence[behind.Cell]
    sums: Sums
    mature: Sums | None


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of the total and of each group; those before ``cut`` once more in ``mature``."""

    known: Known
    source: str
    cut: int
    keys: Sequence[tuple[Value, ...]]
    rows: Row
    mature: Row | None
    window: int | None


class Funnels:
    """Answers funnels for all workspaces of this process."""

    def __init__(self, cubes: Cubes, pool: Pool) -> None:
        self._cubes = cubes
        self._pool = pool

    async def ask(self, workspace: UUID, question: Question) -> FunnelResult:
        """The funnel. Raises Transient when the database is needed and away."""
        shape = layout(question.basis, question.entry)
        known = await self._cubes.known(workspace)
        span = cells_for(question, known.calendars, known.as_of)
        if span is not None and is_counted_apart(question, known.numbers):
            found = await self._from_cells(workspace, question, shape, span)
        else:
            found = await self._from_facts(workspace, question, shape, known)
        return FunnelResult(
            question=question,
            known=found.known,
            source=found.source,
            keys=found.keys,
            cells=_cells(question, found),
            sums=read(shape, found.rows, found.window),
            mature=None if found.mature is None else read(shape, found.mature, found.window),
        )

    async def _from_cells(self, workspace: UUID, question: Question, shape: Layout, span: Range) -> _Found:
        dimensions = dimensions_for(question)
        ends = [span.end] if question.window is None else [span.end, span.mature_end]
        needs = [Need(span.calendar.id, of, shape, span.first, end) for end in ends for of in dimensions]
        known, tables = await self._cubes.sums(workspace, needs)
        whole = grouped(question, _by_value(shape, dimensions, tables[: len(dimensions)]), known.numbers)
        keys = sorted(whole.groups, key=lambda key: (-int(whole.groups[key][0]), key == (None,), str(key)))
        mature = None
        if question.window is not None:
            over = grouped(question, _by_value(shape, dimensions, tables[len(dimensions) :]), known.numbers)
            mature = _stacked(over, keys)
        return _Found(
            known=known,
            source="cells",
            cut=question.start if question.window is None else span.calendar.start(span.mature_end),
            keys=[_texts(question, key, known) for key in keys],
            rows=_stacked(whole, keys),
            mature=mature,
            window=question.window,
        )

    async def _from_facts(self, workspace: UUID, question: Question, shape: Layout, known: Known) -> _Found:
        window = question.window
        cut = question.start if window is None else max(question.start, min(question.end, known.as_of - window))
        is_standard = window in WINDOWS
        asked = replace(question, window=None) if is_standard else question
        async with looking(self._pool, workspace) as connection:
            rows = await counts(connection, workspace, asked, cut)
        width = len(question.by)
        keys = list(dict.fromkeys(tuple(row[:width]) for row in rows)) if question.by else []
        places = {key: place for place, key in enumerate(keys, start=1)}
        table = np.zeros((2, len(keys) + 1, shape.width), dtype=np.int64)
        for row in rows:
            *values, is_mature, measure, number = row
            column = shape.column[measure]
            for place in {0, places.get(tuple(values), 0)}:
                table[int(is_mature), place, column] += number
        order = sorted(
            range(1, len(keys) + 1), key=lambda place: (-int(table[:, place, 0].sum()), str(keys[place - 1]))
        )
        chosen = [0, *order]
        return _Found(
            known=known,
            source="facts",
            cut=cut,
            keys=[keys[place - 1] for place in order],
            rows=table.sum(axis=0)[chosen],
            mature=None if window is None else table[1][chosen],
            window=window if is_standard else None,
        )


def _by_value(shape: Layout, dimensions: Sequence[int], tables: Sequence[Table]) -> dict[int, dict[int, Row]]:
    """Rows by value of each dimension; a total of nothing is a row of zeros."""
    found = {
        dimension: dict(zip(table.values, table.rows, strict=True))
        for dimension, table in zip(dimensions, tables, strict=True)
    }
    found[TOTAL].setdefault(0, np.zeros(shape.width, dtype=np.int64))
    return found


def _stacked(found: Grouped, keys: Sequence[Key]) -> Row:
    return np.stack([found.total, *(found.groups.get(key, np.zeros_like(found.total)) for key in keys)])


def _texts(question: Question, key: Key, known: Known) -> tuple[Value, ...]:
    return tuple(_text(name, number, known) for name, number in zip(question.by, key, strict=True))


def _text(name: str, number: int | None, known: Known) -> Value:
    if number is None:
        return None
    return behind.Rest.REST if number == REST else known.texts[DIMENSIONS[name], number]


def _cells(question: Question, found: _Found) -> list[behind.Cell]:
    narrowed = tuple(question.where.items())
    wheres = [narrowed]
    for values in found.keys:
        named = zip(question.by, values, strict=True)
        wheres.append((*narrowed, *((name, value) for name, value in named if name not in question.where)))
    return [
        behind.Cell(
            basis=question.basis,
            entry=question.entry,
            step=question.entry,
            start=question.start,
            end=question.end,
            window=question.window,
            cut=found.cut,
            where=where,
        )
        for where in wheres
    ]
