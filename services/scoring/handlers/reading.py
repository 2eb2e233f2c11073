"""Leads for people: as they are now, as they were at an instant, and as they were known then (core 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.scoring.domain import facts
from services.scoring.domain import state as states
from services.scoring.domain.facts import Brief
from services.scoring.domain.model import Model
from services.scoring.domain.state import State
from services.scoring.handlers import belongings
from services.scoring.handlers.belongings import Tree
from services.scoring.handlers.desk import Asker, Desk, opened
from services.scoring.queries import leads
from services.scoring.queries.leads import StoredLead
from shared import identity_key
from shared.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadView:
    """A lead at the instant ``at``; without a touchpoint by then it has no ``state``.

    ``merged_into`` is set when another key was asked for than the one the lead is named by.
    """

    lead_id: UUID
    merged_into: UUID | None
    model: Model
    state: State | None
    at: int
    is_stale: bool
    version: int
    updated_at: int | None
    keys: tuple[str, ...]

    @property
    def brief(self) -> Brief | None:
        """Status, stage and scores, the engagement decayed to ``at``."""
        if self.state is None:
            return None
        return facts.brief(self.model, self.state, max(self.at, self.state.at))


async def lead_of_id(asker: Asker, lead_id: UUID) -> LeadView:
    """The lead that holds the key of this id now. Raises NotFound."""
    async with opened(asker) as desk:
        return await present(desk, await belongings.key_of(desk, lead_id))


async def lead_of_key(asker: Asker, key: str) -> LeadView:
    """The lead that holds a key now. Raises NotFound when it was never seen."""
    async with opened(asker) as desk:
        return await present(desk, key)


async def present(desk: Desk, key: str) -> LeadView:
    """The stored state of the lead that holds a key, its engagement decayed to now."""
    root = (await belongings.roots(desk, [key]))[key]
    views = await _stored(desk, [root])
    if not views:
        raise NotFound(belongings.NEVER_SEEN)
    return _merged(desk, key, views[0])


async def _stored(desk: Desk, roots: Sequence[str]) -> list[LeadView]:
    """The leads of these roots in this order, with a constant number of statements."""
    rows = await leads.by_keys(desk.session, desk.workspace, roots)
    trees = await belongings.trees(desk, [root for root in roots if root in rows])
    return [_view(desk, rows[root], trees[root]) for root in roots if root in rows]


def _view(desk: Desk, row: StoredLead, tree: Tree) -> LeadView:
    return LeadView(
        lead_id=row.lead_id,
        merged_into=None,
        model=desk.world.model,
        state=states.decode(row.state) if row.state is not None else None,
        at=desk.now,
        is_stale=row.is_stale,
        version=row.version,
        updated_at=row.updated_at,
        keys=tuple(tree.held(desk.now)),
    )


def _merged(desk: Desk, key: str, view: LeadView) -> LeadView:
    asked = identity_key.lead_id(desk.world.secret, key)
    return view if asked == view.lead_id else replace(view, merged_into=view.lead_id)
