"""When refusing records stops being their data's fault and starts being ours."""

from dataclasses import dataclass
from typing import Final

from shared.errors import RefusalLimit

MAX_RUN: Final = 20
MAX_RATIO: Final = 0.1
RATIO_COUNTS_FROM: Final = 100
_WINDOW: Final = 1_000


@dataclass(frozen=True, slots=True)
class Refusals:
    """What one partition has refused lately: ``run`` records in a row, and ``refused`` of about the last thousand."""

    run: int = 0
    records: int = 0
    refused: int = 0


def advance(past: Refusals, records: int, refused: int) -> Refusals:
    """The state after a batch. Raises RefusalLimit when more than 20 in a row, or 10 % of at least 100, were refused.

    Batches do not say where in them the refused records stood, so only batches refused whole make a run.
    """
    if refused == 0 and past.refused == 0:
        return past
    run = past.run + refused if refused == records else 0
    total = Refusals(run, past.records + records, past.refused + refused)
    if total.run > MAX_RUN:
        raise RefusalLimit(f"{total.run} records in a row were refused")
    if total.records >= RATIO_COUNTS_FROM and total.refused > MAX_RATIO * total.records:
        raise RefusalLimit(f"{total.refused} of the last {total.records} records were refused")
    return _faded(total)


def _faded(state: Refusals) -> Refusals:
    """Halve old counts, so that yesterday's good records do not hide today's bad ones."""
    if state.records < _WINDOW:
        return state
    return Refusals(state.run, state.records // 2, state.refused // 2)
