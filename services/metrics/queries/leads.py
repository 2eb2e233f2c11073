"""The leads behind a number, latest first, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.metrics.domain.behind import Cell, Part
from services.metrics.domain.cycle import STEPS
from services.metrics.domain.question import Basis
from services.metrics.queries.conditions import FURTHEST, Arguments, matching
from services.metrics.tables import FACT_VALUES, STEP_COLUMNS
from shared.database.connection import Connection

Position = tuple[int, str, str]
"""Anchor instant, lead id and fact key of the last row of a page."""

_COLUMNS: Final = ", ".join(("lead_id", "fact_key", *FACT_VALUES))


@dataclass(frozen=True, slots=True)
class Behind:
    """Which leads of a cell; ``end`` narrows LEFT to one way of ending."""

    cell: Cell
    part: Part
    end: str | None = None


async def leads(
    connection: Connection, workspace: UUID, behind: Behind, after: Position | None, limit: int
) -> Sequence[Any]:
    """A page of facts as rows with ``anchor_at`` and ``furthest``."""
    arguments = Arguments(workspace)
    anchor, condition = _behind(behind, arguments)
    if after is not None:
        place = ", ".join(arguments.place(value) for value in (after[0], UUID(after[1]), after[2]))
        condition += f" AND ({anchor}, lead_id, fact_key) < ({place})"
    statement = f"""
        SELECT {_COLUMNS}, {anchor} AS anchor_at, {FURTHEST} AS furthest FROM metrics.fact
        WHERE workspace_id = $1 AND {condition}
        ORDER BY {anchor} DESC, lead_id DESC, fact_key DESC LIMIT {arguments.place(limit)}
    """  # noqa: S608  (closed lists of names)
    return await connection.fetch(statement, *arguments.values)


async def count(connection: Connection, workspace: UUID, behind: Behind) -> int:
    """How many there are: the number itself."""
    arguments = Arguments(workspace)
    _anchor, condition = _behind(behind, arguments)
    statement = f"SELECT count(*) FROM metrics.fact WHERE workspace_id = $1 AND {condition}"  # noqa: S608
    number: int = await connection.fetchval(statement, *arguments.values)
    return number


def _behind(behind: Behind, arguments: Arguments) -> tuple[str, str]:
    """The column whose instant lies in the cell's range, and the condition on the rest."""
    cell, part = behind.cell, behind.part
    step = STEP_COLUMNS[cell.step]
    if cell.basis is Basis.COHORT:
        anchor = STEP_COLUMNS[cell.entry]
        condition = _cohort_part(cell, part, arguments)
    else:
        anchor = "ended_at" if part is Part.LEFT else step
        condition = f"({FURTHEST}) = {cell.step}" if part is Part.LEFT else "true"
    if behind.end is not None:
        condition += f" AND ended = {arguments.place(behind.end)}"
    inside = f"{anchor} >= {arguments.place(cell.start)} AND {anchor} < {arguments.place(cell.end)} AND NOT gone"
    return anchor, f"{inside} AND {condition}{matching(cell.where, arguments)}"


def _cohort_part(cell: Cell, part: Part, arguments: Arguments) -> str:
    start = STEP_COLUMNS[cell.entry]
    window = arguments.place(2**62 if cell.window is None else cell.window)

    def in_time(column: str) -> str:
        return f"coalesce({column} - {start} <= {window}, false)"

    here = in_time(STEP_COLUMNS[cell.step])
    onward = in_time(STEP_COLUMNS[cell.step + 1]) if cell.step + 1 < len(STEPS) else "false"
    left = f"(({FURTHEST}) = {cell.step} AND {in_time('ended_at')})"
    match part:
        case Part.ENTERED:
            return here
        case Part.CONVERTED:
            return f"{here} AND {onward}"
        case Part.LEFT:
            return f"{here} AND {left}"
        case Part.STILL_OPEN:
            return f"{here} AND NOT {onward} AND NOT {left} AND {start} >= {arguments.place(cell.cut)}"
        case Part.OUT_OF_TIME:
            return f"{here} AND NOT {onward} AND NOT {left} AND {start} < {arguments.place(cell.cut)}"
