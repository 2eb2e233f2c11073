"""Whose a key is: from any key ever seen to the root that holds it, and to all that the root holds (core 2)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.scoring.domain import identity
from services.scoring.domain.identity import Owners, Run
from services.scoring.domain.touchpoint import Place
from services.scoring.handlers.desk import Desk
from services.scoring.queries import journey, leads
from services.scoring.queries.journey import Road, Stop, Wide
from services.scoring.store import identity as links_store
from shared.errors import NotFound

NEVER_SEEN: Final = "no touchpoint ever carried such a key"
MOST_KEYS: Final = 1_000
"""Keys of one lead that are read and shown; of a lead with more, its touchpoints are found among all below it."""
_SLICE: Final = 4_000
"""Touchpoints that are looked at together to find a wide lead's own."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A root, the keys below it at any time (some of them, unless ``is_all``), and who owns them when."""

    root: str
    keys: tuple[str, ...]
    owners: Owners
    is_all: bool = True

    @property
    def pieces(self) -> list[tuple[str, int, int]]:
        """The lead's history: (strand, from, to)."""
        return identity.members(self.owners, self.keys, self.root)

    def held(self, at: int) -> list[str]:
        """The keys whose root it is at an instant, strongest first."""
        known: identity.Known = {}
        mine = [key for key in self.keys if identity.root_at(self.owners, key, at, known) == self.root]
        return sorted(mine, key=lambda key: (-ord(key[0]), key))


async def key_of(desk: Desk, lead_id: UUID) -> str:
    """The key whose id this is. Raises NotFound."""
    found = await leads.by_ids(desk.session, desk.workspace, [lead_id])
    if lead_id not in found:
        raise NotFound("there is no lead of this id, or it is not yours")
    return found[lead_id].key


async def roots(desk: Desk, keys: Collection[str]) -> dict[str, str]:
    """The root of each key now."""
    owners = await _owners_up(desk, keys)
    known: identity.Known = {}
    return {key: identity.root_at(owners, key, desk.now, known) for key in keys}


async def tree(desk: Desk, root: str) -> Tree:
    """What a root holds, of very many keys only some."""
    await links_store.by_index(desk.connection)
    place = (desk.workspace, root)
    keys = (await links_store.keys_down(desk.connection, [place], MOST_KEYS + 1))[place]
    if len(keys) > MOST_KEYS:
        return Tree(root, tuple(sorted(keys[:MOST_KEYS])), await _owners_up(desk, keys), is_all=False)
    runs = await links_store.runs_of(desk.connection, [(desk.workspace, key) for key in keys])
    return tree_of(root, {key: of_key for (_, key), of_key in runs.items()})


def tree_of(root: str, runs: Mapping[str, tuple[Run, ...]]) -> Tree:
    """The tree of a root from the runs of all keys below it."""
    return Tree(root, tuple(sorted(runs)), identity.owners(runs))


async def touchpoints(desk: Desk, tree: Tree, after: Place, limit: int, *, newest_first: bool = False) -> list[Stop]:
    """The first touchpoints of a lead after a place, or with ``newest_first`` the last ones before it."""
    if tree.is_all:
        read = journey.back if newest_first else journey.forth
        return await read(desk.connection, Road(desk.workspace, tree.pieces), after, limit)
    road = Wide(desk.workspace, tree.root)
    found: list[Stop] = []
    while len(found) < limit:
        own, last = await own_below(desk, road, after, _SLICE, newest_first=newest_first)
        found += own
        if last is None:
            break
        after = last
    return found[:limit]


async def own_below(
    desk: Desk, road: Wide, after: Place, limit: int, *, newest_first: bool = False
) -> tuple[list[Stop], Place | None]:
    """A wide lead's own among the next touchpoints below it, and the place of the last when there may be more."""
    rows = await journey.below(desk.connection, road, after, limit, newest_first=newest_first)
    owners = await _owners_up(desk, {strand for strand, _ in rows})
    known: identity.Known = {}
    own = [stop for key, stop in rows if identity.root_at(owners, key, stop.place.at, known) == road.root]
    return own, rows[-1][1].place if len(rows) == limit else None


async def _owners_up(desk: Desk, keys: Collection[str]) -> Owners:
    chains = await links_store.chains_up(desk.connection, [(desk.workspace, key) for key in keys])
    return identity.owners({key: runs for (_, key), runs in chains.items()})
