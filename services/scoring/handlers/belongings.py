"""Whose a key is: from any key ever seen to the root that holds it, and to all that the root holds (core 2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scoring.domain import identity
from services.scoring.domain.identity import Owners, Run
from services.scoring.handlers.desk import Desk
from services.scoring.queries import leads
from services.scoring.store import identity as links_store
from shared.errors import NotFound

NEVER_SEEN = "no touchpoint ever carried such a key"


@dataclass(frozen=True, slots=True)
class Tree:
    """A root, the keys below it at any time, and who owns them when."""

    root: str
    keys: tuple[str, ...]
    owners: Owners

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
    chains = await links_store.chains_up(desk.connection, [(desk.workspace, key) for key in keys])
    owners = identity.owners({key: runs for (_, key), runs in chains.items()})
    known: identity.Known = {}
    return {key: identity.root_at(owners, key, desk.now, known) for key in keys}


async def trees(desk: Desk, of_roots: Sequence[str]) -> dict[str, Tree]:
    """All that these roots hold, with a constant number of statements."""
    found = await links_store.trees_down(desk.connection, [(desk.workspace, root) for root in of_roots])
    return {root: tree_of(root, {key: runs for (_, key), runs in of.items()}) for (_, root), of in found.items()}


def tree_of(root: str, runs: Mapping[str, tuple[Run, ...]]) -> Tree:
    """The tree of a root from the runs of all keys below it."""
    return Tree(root, tuple(sorted(runs)), identity.owners(runs))
