"""The sums of a funnel as steps on the wire, with shares, times and links."""

from collections.abc import Sequence
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
    is_cohort = question.basis is Basis.COHORT
    entered = sums.entered.tolist()
    from_first, from_previous = _shares(sums.entered, is_cohort)
    over = None if mature is None else _mature(mature)
    open_, late = _open(sums, mature) if is_cohort else (None, None)
    left = sums.left.tolist()
    first, previous = _times(sums.from_first), _times(sums.from_previous)
    answers = []
    for row, cell in enumerate(cells):
        ending = behind.tail(cell)
        answers.append(
            [
                StepAnswer(
                    step=name,
                    entered=entered[row][place],
                    converted=entered[row][place + 1] if is_cohort and place + 1 < len(names) else None,
                    rate_from_first=from_first[row][place],
                    rate_from_previous=from_previous[row][place],
                    drop_off=_dropped(from_previous[row], place) if is_cohort else _NOTHING,
                    left={end: number for end, number in zip(ENDS, left[row][place], strict=True) if number},
                    still_open=open_[row][place] if open_ else None,
                    out_of_time=late[row][place] if late else None,
                    mature=over[row][place] if over else None,
                    seconds_from_first=first[row][place - 1] if place else None,
                    seconds_from_previous=previous[row][place - 1] if place else None,
                    leads=f"/v1/leads?cell={behind.head(cell, question.entry + place)}{ending}",
                )
                for place, name in enumerate(names)
            ]
        )
    return answers


def _shares(entered: Counts, is_cohort: bool) -> tuple[list[list[Share]], list[list[Share]]]:
    """Shares from the first and from the previous step; the first step has none."""
    first = np.broadcast_to(entered[:, :1], entered[:, 1:].shape)
    return _against(entered[:, 1:], first, is_cohort), _against(entered[:, 1:], entered[:, :-1], is_cohort)


def _against(successes: Counts, trials: Counts, has_interval: bool) -> list[list[Share]]:
    values = np.round(successes / np.maximum(trials, 1), _DIGITS).tolist()
    low, high = (np.round(end, _DIGITS).tolist() for end in intervals(successes, trials))
    return [
        [
            _NOTHING,
            *(
                Share(value, n, (below, above) if has_interval else None) if n else _NOTHING
                for value, n, below, above in zip(*row, strict=True)
            ),
        ]
        for row in zip(values, trials.tolist(), low, high, strict=True)
    ]


def _dropped(from_previous: Sequence[Share], place: int) -> Share:
    """What is left of one, of the next step's share."""
    if place + 1 == len(from_previous):
        return _NOTHING
    onward = from_previous[place + 1]
    if onward.value is None or onward.interval is None:
        return _NOTHING
    low, high = onward.interval
    return Share(round(1 - onward.value, _DIGITS), onward.n, (round(1 - high, _DIGITS), round(1 - low, _DIGITS)))


def _open(sums: Sums, mature: Sums | None) -> tuple[list[list[int]], list[list[int]] | None]:
    left_over = remaining(sums)
    if mature is None:
        return left_over.tolist(), None
    late = remaining(mature)
    return (left_over - late).tolist(), late.tolist()


def _mature(sums: Sums) -> list[list[Mature]]:
    from_first, from_previous = _shares(sums.entered, True)
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
