"""Folding on read: a lead as it was at an instant, from its history. Nothing is ever written back."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from services.scoring.domain import fold
from services.scoring.domain import state as states
from services.scoring.domain.identity import BEGINNING
from services.scoring.domain.state import State
from services.scoring.domain.touchpoint import Place, Touchpoint, decode
from services.scoring.handlers import belongings, folding
from services.scoring.handlers.belongings import Tree
from services.scoring.handlers.desk import Desk
from services.scoring.queries import journey
from services.scoring.queries.leads import StoredLead
from services.scoring.store import leads as leads_store

_PAGE: Final = 1_000
_WIDE_PAGE: Final = 32_000
"""All strands are asked for each page."""
_FIRST: Final = Place(BEGINNING, "")


async def recall(desk: Desk, tree: Tree, row: StoredLead | None, as_of: int, recorded_by: int = journey.EVER) -> State:
    """The lead folded up to an instant, implied instants included.

    With its ``row`` it begins at the last state known to be good, without one at the beginning.
    """
    timeline = desk.world.timeline.known_at(recorded_by)
    state = await _good_state(desk, row, as_of) if row is not None else None
    state = state or states.initial()
    async for touchpoints in history(desk, tree, as_of, state.place if state.count else _FIRST, recorded_by):
        state = fold.fold(timeline, state, touchpoints)
    return fold.advance(timeline, state, as_of) if state.count else state


async def history(
    desk: Desk, tree: Tree, as_of: int, after: Place = _FIRST, recorded_by: int = journey.EVER
) -> AsyncIterator[Sequence[Touchpoint]]:
    """The lead's touchpoints up to an instant, in order, in pages."""
    if not tree.is_all:
        async for wide_page in _wide_history(desk, tree, as_of, after):
            yield wide_page
        return
    pieces = [(strand, start, min(end, as_of + 1)) for strand, start, end in tree.pieces if start <= as_of]
    road = journey.Road(desk.workspace, pieces, recorded_by)
    while True:
        page = await journey.forth(desk.connection, road, after, _PAGE)
        if page:
            yield [decode(stop.body) for stop in page]
        if len(page) < _PAGE:
            return
        after = page[-1].place


async def _wide_history(desk: Desk, tree: Tree, as_of: int, after: Place) -> AsyncIterator[Sequence[Touchpoint]]:
    """The same of a lead of very many keys, by the links known now."""
    road = journey.Wide(desk.workspace, tree.root, as_of)
    last: Place | None = after
    while last is not None:
        stops, last = await belongings.own_below(desk, road, last, _WIDE_PAGE)
        if stops:
            yield [decode(stop.body) for stop in stops]


async def _good_state(desk: Desk, row: StoredLead, as_of: int) -> State | None:
    """The stored state when all of it is of before the instant, else the last checkpoint of before it."""
    if row.state is not None and not row.is_stale:
        state = states.decode(row.state)
        if max(state.at, state.clock) <= as_of and folding.is_current(desk.world.timeline, state):
            return state
    before = [(desk.workspace, row.key, Place(as_of + 1, ""))]
    found = await leads_store.last_checkpoints(desk.connection, before)
    checkpoint = found.get((desk.workspace, row.key))
    if checkpoint is None:
        return None
    state = states.decode(checkpoint)
    return state if folding.is_current(desk.world.timeline, state) else None
