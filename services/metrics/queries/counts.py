"""A funnel counted from the facts themselves, for what no cells are kept; costs the leads in range."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from services.metrics.domain.cycle import ENDS, STEPS
from services.metrics.domain.duration import EDGES
from services.metrics.domain.measure import Kind, measure
from services.metrics.domain.question import Basis, Question
from services.metrics.queries.conditions import FURTHEST, Arguments, matching
from services.metrics.tables import STEP_COLUMNS
from shared.database.connection import Connection

_LAST_STEP: Final = len(STEPS) - 1
_PER_LAST: Final = measure(Kind.LEFT, 0, 1) - measure(Kind.LEFT, 0, 0)
_PER_BOTH: Final = measure(Kind.ENDED, 1, 1) - measure(Kind.ENDED, 0, 0)
_PER_END: Final = measure(Kind.LEFT, 0, 0, 0, 1) - measure(Kind.LEFT, 0, 0)
_END: Final = f"(array_position(ARRAY[{', '.join(repr(end) for end in ENDS)}], ended) - 1) * {_PER_END}"

_FOREVER: Final = 2**62


async def counts(connection: Connection, workspace: UUID, question: Question, cut: int) -> Sequence[Any]:
    """Rows of (values of ``by``..., entered before ``cut``, measure, count).

    A window that is not one of the standard ones has been applied; times longer than it are not among the counts.
    """
    if question.basis is Basis.COHORT:
        statement, arguments = _cohort(workspace, question, cut)
    else:
        statement, arguments = _period(workspace, question)
    return await connection.fetch(statement, *arguments.values)


def _cohort(workspace: UUID, question: Question, cut: int) -> tuple[str, Arguments]:
    entry = STEP_COLUMNS[question.entry]
    arguments = Arguments(workspace, question.start, question.end, list(EDGES), cut, question.window or _FOREVER)
    return _counting(
        question, _range(entry, question, arguments), f"{entry} < $5", _cohort_marks(question.entry)
    ), arguments


def _period(workspace: UUID, question: Question) -> tuple[str, Arguments]:
    arguments = Arguments(workspace, question.start, question.end, list(EDGES))
    parts = [
        _counting(
            question, _range(STEP_COLUMNS[step], question, arguments), "false", _period_marks(question.entry, step)
        )
        for step in range(question.entry, _LAST_STEP + 1)
    ]
    base = f"{measure(Kind.ENDED, 0, 0)} + ({FURTHEST}) * {_PER_BOTH} + {_END}"
    ended = f"({base}, NULL::bigint, ({FURTHEST}) >= {question.entry})"
    parts.append(_counting(question, _range("ended_at", question, arguments), "false", [ended]))
    return " UNION ALL ".join(parts), arguments


def _range(anchor: str, question: Question, arguments: Arguments) -> str:
    return f"{anchor} >= $2 AND {anchor} < $3 AND NOT gone{matching(question.where.items(), arguments)}"


def _counting(question: Question, condition: str, is_mature: str, marks: Sequence[str]) -> str:
    """One row per mark that holds of a fact: (measure without bucket, duration or null, whether it holds)."""
    by = "".join(f"{name}, " for name in question.by)
    return f"""
        SELECT {by}{is_mature} AS is_mature,
            m.base + CASE WHEN m.duration IS NULL THEN 0 ELSE width_bucket(m.duration - 1, $4::bigint[]) END AS measure,
            count(*) AS count
        FROM metrics.fact CROSS JOIN LATERAL (VALUES {", ".join(marks)}) AS m (base, duration, holds)
        WHERE workspace_id = $1 AND {condition} AND m.holds
        GROUP BY {by}is_mature, measure
    """  # noqa: S608  (closed lists of names and numbers)


def _cohort_marks(entry: int) -> list[str]:
    start = STEP_COLUMNS[entry]
    marks = [f"({measure(Kind.ENTERED, entry, entry)}, NULL::bigint, true)"]
    for step in range(entry + 1, _LAST_STEP + 1):
        at, before = STEP_COLUMNS[step], STEP_COLUMNS[step - 1]
        marks.append(f"({measure(Kind.REACHED, entry, step)}, {at} - {start}, {at} - {start} <= $6)")
        if step > entry + 1:
            marks.append(f"({measure(Kind.ADVANCED, entry, step)}, {at} - {before}, {at} IS NOT NULL)")
    base = f"{measure(Kind.LEFT, entry, 0)} + ({FURTHEST}) * {_PER_LAST} + {_END}"
    return [*marks, f"({base}, ended_at - {start}, ended_at - {start} <= $6)"]


def _period_marks(entry: int, step: int) -> list[str]:
    marks = [f"({measure(Kind.ENTERED, step, step)}, NULL::bigint, true)"]
    for first in dict.fromkeys((entry, step - 1)):
        if first < step and first >= entry:
            taken = f"{STEP_COLUMNS[step]} - {STEP_COLUMNS[first]}"
            marks.append(f"({measure(Kind.MOVED, first, step)}, {taken}, {STEP_COLUMNS[first]} IS NOT NULL)")
    return marks
