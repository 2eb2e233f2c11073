"""Folding locked leads forward, with a checkpoint every so many touchpoints."""

from collections.abc import Sequence
from typing import Final

from services.scoring.domain import fold
from services.scoring.domain.state import FOLD, State, copied, encode
from services.scoring.domain.timeline import Timeline
from services.scoring.domain.touchpoint import Place, Touchpoint
from services.scoring.store.leads import Checkpoint, LeadRow

CHECKPOINT_EVERY: Final = 256
_MAX_CLOSED: Final = 256
"""Cycles that wait to be published are in each checkpoint; with more of them the next few are spared, or a lead of very
many cycles would be written by the square of their number.
"""


def forward(
    timeline: Timeline, row: LeadRow, state: State, touchpoints: Sequence[Touchpoint], *, keep_closed: bool = False
) -> list[Checkpoint]:
    """Fold these touchpoints into ``state``, which the caller shares with nobody. Returns the checkpoints passed.

    ``keep_closed`` when it is not sure that the cycles ended on the way are published with this transaction.
    """
    checkpoints = []
    start = 0
    while start < len(touchpoints):
        end = start + CHECKPOINT_EVERY - state.count % CHECKPOINT_EVERY
        fold.fold_into(timeline, state, touchpoints[start:end])
        start = end
        if state.count % CHECKPOINT_EVERY == 0 and not (keep_closed and len(state.closed) > _MAX_CLOSED):
            kept = copied(state)
            kept.closed = kept.closed if keep_closed else []
            checkpoints.append(Checkpoint(row.workspace, row.key, state.place, encode(kept)))
    return checkpoints


def is_current(timeline: Timeline, state: State) -> bool:
    """Whether a state is this fold's and knows the newest version; a lead without a touchpoint does."""
    return not state.count or (state.fold == FOLD and state.newest == timeline.newest.version)


def outdated_from(timeline: Timeline, state: State) -> Place:
    """From where on a state that is not current may be wrong: when the first version that it does not know came.

    One that another fold made may be wrong from its beginning.
    """
    if state.fold != FOLD and state.first is not None:
        return Place(state.first.at, "")
    return Place(timeline.after(state.newest)[0].since, "")


def keep(row: LeadRow, state: State) -> None:
    """Make a state, which may be of no touchpoint at all, that of its row."""
    row.state = encode(state) if state.count else None
    row.model_version = state.newest


def wake(row: LeadRow, state: State) -> int | None:
    """The instant to wake the lead at. An earlier one already noted stays: waking for nothing is cheaper than an
    index write.
    """
    due = state.due
    if due is not None and row.wake_at is not None and state.clock < row.wake_at <= due:
        return row.wake_at
    return due
