"""The sums of a funnel as steps on the wire, with shares, times and links."""

from typing import Any, Final

import numpy as np

from services.metrics.domain import behind
from services.metrics.domain.cycle import ENDS, STEPS
from services.metrics.domain.funnel import Sums, Times, remaining
from services.metrics.domain.question import Basis
from services.metrics.domain.wilson import Counts, intervals
from services.metrics.handlers.funnel import FunnelResult
from services.metrics.schemas import Mature, Share
from services.metrics.schemas import Step as StepAnswer
from services.metrics.schemas import Times as TimesAnswer

_DIGITS: Final = 6
_NOTHING: Final = Share(None, 0, None)


def steps_of(result: FunnelResult) -> list[list[StepAnswer]]:
    """The steps of the total, then of each group."""
    question, sums, mature, cells = result.question, result.sums, result.mature, result.cells
    names = STEPS[question.entry :]
    links = [f"/v1/leads?cell={behind.head(cells[0], question.entry + place)}" for place in range(len(names))]
    is_cohort = question.basis is Basis.COHORT
    entered = sums.entered.tolist()
    from_first, from_previous, dropped = _shares(sums.entered, is_cohort)
    over = None if mature is None else _mature(mature)
    open_, late = _open(sums, mature) if is_cohort else (None, None)
    left = sums.left.tolist()
    has_left = (sums.left.sum(axis=2) > 0).tolist()
    first, previous = _times(sums.from_first), _times(sums.from_previous)
    answers = []
    for row, cell in enumerate(cells):
        ending = behind.tail(cell)
        onward = [*entered[row][1:], None] if is_cohort else [None] * len(names)
        answers.append(
            [
                StepAnswer(
                    step=name,
                    entered=entered[row][place],
                    converted=onward[place],
                    rate_from_first=from_first[row][place],
                    rate_from_previous=from_previous[row][place],
                    drop_off=dropped[row][place],
                    left=_ends(left[row][place]) if has_left[row][place] else {},
                    still_open=open_[row][place] if open_ else None,
                    out_of_time=late[row][place] if late else None,
                    mature=over[row][place] if over else None,
                    seconds_from_first=first[row][place - 1] if place else None,
                    seconds_from_previous=previous[row][place - 1] if place else None,
                    leads=links[place] + ending,
                )
                for place, name in enumerate(names)
            ]
        )
    return answers


def _ends(numbers: list[int]) -> dict[str, int]:
    return {end: number for end, number in zip(ENDS, numbers, strict=True) if number}


def _shares(entered: Counts, is_cohort: bool) -> list[list[list[Share]]]:
    """Shares from the first step, from the previous one, and of those that did not go on.

    The first step comes from nowhere, and from the last nobody goes on.
    """
    later, before = entered[:, 1:], entered[:, :-1]
    first = np.broadcast_to(entered[:, :1], later.shape)
    successes, trials = np.stack((later, later, before - later)), np.stack((first, before, before))
    values = np.round(successes / np.maximum(trials, 1), _DIGITS).tolist()
    low, high = (np.round(end, _DIGITS).tolist() for end in intervals(successes, trials))
    tables = [
        [
            [
                Share(value, n, (below, above) if is_cohort else None) if n else _NOTHING
                for value, n, below, above in zip(*row, strict=True)
            ]
            for row in zip(*table, strict=True)
        ]
        for table in zip(values, trials.tolist(), low, high, strict=True)
    ]
    nothing = [_NOTHING]
    onward = tables[2] if is_cohort else [nothing * later.shape[1]] * len(entered)
    return [
        [nothing + row for row in tables[0]],
        [nothing + row for row in tables[1]],
        [row + nothing for row in onward],
    ]


def _open(sums: Sums, mature: Sums | None) -> tuple[list[list[int]], list[list[int]] | None]:
    left_over = remaining(sums)
    if mature is None:
        return left_over.tolist(), None
    late = remaining(mature)
    return (left_over - late).tolist(), late.tolist()


def _mature(sums: Sums) -> list[list[Mature]]:
    from_first, from_previous, _dropped = _shares(sums.entered, is_cohort=True)
    return [
        [Mature(*values) for values in zip(*row, strict=True)]
        for row in zip(sums.entered.tolist(), from_first, from_previous, strict=True)
    ]


def _times(times: Times) -> list[list[TimesAnswer | None]]:
    rows: Any = zip(times.moves.tolist(), np.round(times.seconds, 1).tolist(), strict=True)
    return [
        [TimesAnswer(half, most, n) if n else None for n, (half, most) in zip(moves, seconds, strict=True)]
        for moves, seconds in rows
    ]
