"""Leads for people: as they are now, as they were at an instant, and as they were known then (core 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from services.scoring.domain import facts
from services.scoring.domain import state as states
from services.scoring.domain.facts import Brief
from services.scoring.domain.model import Model
from services.scoring.domain.state import State
from services.scoring.handlers import belongings, listed
from services.scoring.handlers.desk import Asker, Desk, opened
from services.scoring.handlers.recalling import recall
from services.scoring.handlers.recollection import Recollection
from services.scoring.queries import leads, listing
from services.scoring.queries.leads import StoredLead
from services.scoring.queries.listing import Filter, Position
from shared import identity_key
from shared.errors import FieldFault, InvalidRequest, NotFound


class When(NamedTuple):
    """The lead as of an instant; by all that is known now, or only by what was recorded up to ``known_at``."""

    as_of: int
    known_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadView:
    """A lead at the instant ``at``; without a touchpoint by then it has no ``state``.

    ``merged_into`` is set when another key was asked for than the one the lead is named by. ``version`` is None for
    what was known earlier: versions are told, and what was told is the feed. ``keys`` are all that the lead holds,
    unless it may have more (see ``listed`` and ``belongings``).
    """

    lead_id: UUID
    merged_into: UUID | None
    model: Model
    state: State | None
    at: int
    is_stale: bool
    version: int | None
    updated_at: int | None
    keys: tuple[str, ...]
    has_more_keys: bool = False

    @property
    def brief(self) -> Brief | None:
        """Status, stage and scores, the engagement decayed to ``at``."""
        if self.state is None:
            return None
        return facts.brief(self.model, self.state, max(self.at, self.state.at))


def when(asker: Asker, as_of: int | None, known_at: int | None) -> When | None:
    """The instants asked about, None for the present. Raises InvalidRequest: the future is not known."""
    for name, instant in (("as_of", as_of), ("known_at", known_at)):
        if instant is not None and instant > asker.now:
            raise InvalidRequest(FieldFault(name, "out_of_range", "give an instant that is not in the future"))
    if as_of is None:
        as_of = known_at
    return When(as_of, known_at) if as_of is not None else None


async def lead_of_id(asker: Asker, lead_id: UUID, at: When | None = None) -> LeadView:
    """The lead that holds the key of this id. Raises NotFound."""
    async with opened(asker) as desk:
        return await _find(desk, await belongings.key_of(desk, lead_id), at)


async def lead_of_key(asker: Asker, key: str, at: When | None = None) -> LeadView:
    """The lead that holds a key. Raises NotFound when it was never seen."""
    async with opened(asker) as desk:
        return await _find(desk, key, at)


async def leads_of_ids(asker: Asker, ids: Sequence[UUID]) -> list[LeadView]:
    """The leads that hold the keys of these ids, in that order; ids never seen are left out."""
    async with opened(asker) as desk:
        found = await leads.by_ids(desk.session, desk.workspace, ids)
        keys = [found[lead_id].key for lead_id in ids if lead_id in found]
        roots = await belongings.roots(desk, keys)
        views = {view.lead_id: view for view in await _listed(desk, sorted(set(roots.values())))}
        held = [(key, identity_key.lead_id(desk.world.secret, roots[key])) for key in keys]
        return [_merged(desk, key, views[holder]) for key, holder in held]


async def work_list(
    asker: Asker, wanted: Filter, *, newest_first: bool, after: Position | None, limit: int
) -> tuple[list[LeadView], Position | None]:
    """A page of leads, and the position to go on from when there may be more."""
    async with opened(asker) as desk:
        rows = await listing.page(
            desk.session, desk.workspace, wanted, newest_first=newest_first, after=after, limit=limit
        )
        views = await _listed(desk, [row.key for row in rows])
    return views, rows[-1].position if len(rows) == limit else None


async def _find(desk: Desk, key: str, at: When | None) -> LeadView:
    if at is None:
        view = await _present(desk, key)
    elif at.known_at is None:
        view = await _past(desk, key, at.as_of)
    else:
        view = await _known_then(desk, key, at.as_of, at.known_at)
    return _merged(desk, key, view)


async def _present(desk: Desk, key: str) -> LeadView:
    """The stored state, its engagement decayed to now."""
    root = (await belongings.roots(desk, [key]))[key]
    row = (await leads.by_keys(desk.session, desk.workspace, [root])).get(root)
    if row is None:
        raise NotFound(belongings.NEVER_SEEN)
    tree = await belongings.tree(desk, root)
    return replace(_view(desk, row, tree.held(desk.now)), has_more_keys=not tree.is_all)


async def _past(desk: Desk, key: str, as_of: int) -> LeadView:
    """Folded from the history up to then, which may hold touchpoints that the stored state does not have yet."""
    root = (await belongings.roots(desk, [key]))[key]
    row = (await leads.by_keys(desk.session, desk.workspace, [root])).get(root)
    if row is None:
        raise NotFound(belongings.NEVER_SEEN)
    tree = await belongings.tree(desk, root)
    state = await recall(desk, tree, row, as_of)
    view = _view(desk, row, tree.held(as_of))
    state_then = state if state.count else None
    model = _model_of(desk, state, as_of)
    return replace(view, model=model, state=state_then, at=as_of, is_stale=False, has_more_keys=not tree.is_all)


async def _known_then(desk: Desk, key: str, as_of: int, known_at: int) -> LeadView:
    tree = await Recollection(desk, known_at).tree_of(key)
    state = await recall(desk, tree, None, as_of, known_at)
    return LeadView(
        lead_id=identity_key.lead_id(desk.world.secret, tree.root),
        merged_into=None,
        model=_model_of(desk, state, as_of),
        state=state if state.count else None,
        at=as_of,
        is_stale=False,
        version=None,
        updated_at=None,
        keys=tuple(tree.held(as_of)),
    )


async def _listed(desk: Desk, roots: Sequence[str]) -> list[LeadView]:
    """The leads of these roots in this order, with a constant number of statements."""
    rows = await leads.by_keys(desk.session, desk.workspace, roots)
    held = await listed.held(desk, [root for root in roots if root in rows])
    return [
        replace(_view(desk, rows[root], held[root].keys), has_more_keys=held[root].has_more)
        for root in roots
        if root in rows
    ]


def _view(desk: Desk, row: StoredLead, keys: Sequence[str]) -> LeadView:
    state = states.decode(row.state) if row.state is not None else states.initial()
    return LeadView(
        lead_id=row.lead_id,
        merged_into=None,
        model=_model_of(desk, state, desk.now),
        state=state if state.count else None,
        at=desk.now,
        is_stale=row.is_stale,
        version=row.version,
        updated_at=row.updated_at,
        keys=tuple(keys),
    )


def _model_of(desk: Desk, state: State, at: int) -> Model:
    """The version a state was folded under; that in force when there is no touchpoint to be folded."""
    timeline = desk.world.timeline
    return timeline.models[state.model_version] if state.count else timeline.at(at).model


def _merged(desk: Desk, key: str, view: LeadView) -> LeadView:
    asked = identity_key.lead_id(desk.world.secret, key)
    return view if asked == view.lead_id else replace(view, merged_into=view.lead_id)
