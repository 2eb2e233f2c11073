"""Identity as it was known at an instant: links recorded later do not exist (core 3, ``known_at``)."""

from collections.abc import Collection, Iterator
from typing import Final

from services.scoring.domain import identity
from services.scoring.domain.identity import Run
from services.scoring.handlers import belongings
from services.scoring.handlers.belongings import Tree
from services.scoring.handlers.desk import Desk
from services.scoring.queries import links
from shared.errors import FieldFault, InvalidRequest, NotFound
from shared.identity_key import rank
from shared.vocabulary import KEY_RANKS, KeyType

_EMAIL = KEY_RANKS[KeyType.EMAIL]
_MOST_KEYS: Final = 10_000
"""Keys that are read for one answer: for those links are read as they came, so that each costs more than now."""


class Recollection:
    """Reads links once each, following them as far as they matter."""

    def __init__(self, desk: Desk, known_at: int) -> None:
        self._desk, self._known_at = desk, known_at
        self._explicit: dict[str, tuple[Run, ...]] = {}
        self._below: set[str] = set()

    async def tree_of(self, key: str) -> Tree:
        """The root of a key as known then, with all below it. Raises NotFound when the key was not seen by then."""
        above = await self._above(key)
        if not await self._was_seen(key):
            raise NotFound(belongings.NEVER_SEEN)
        root = identity.root_at(identity.owners(self._runs(above)), key, self._known_at, {})
        return belongings.tree_of(root, self._runs(await self._all_below(root)))

    async def _above(self, key: str) -> set[str]:
        """The key and all it belonged to at any time."""
        found: set[str] = set()
        ahead = {key}
        while ahead:
            await self._read(ahead)
            await self._read_below({one for one in ahead if rank(one) == _EMAIL})
            found |= ahead
            _check(found)
            ahead = {run.target for runs in self._runs(ahead).values() for run in runs} - found
        return found

    async def _all_below(self, root: str) -> set[str]:
        """The root and all that belonged to it at any time."""
        found: set[str] = set()
        ahead = {root}
        while ahead:
            await self._read(ahead)
            await self._read_below(ahead)
            found |= ahead
            _check(found)
            ahead = {run.key for run in self._all_runs() if run.target in found} - found
        return found

    async def _read(self, keys: Collection[str]) -> None:
        missing = set(keys) - self._explicit.keys()
        if missing:
            desk = self._desk
            _check(missing)
            self._explicit |= await links.runs_known(
                desk.connection, desk.workspace, missing, self._known_at, desk.world.most_runs
            )

    async def _read_below(self, keys: Collection[str]) -> None:
        missing = set(keys) - self._below
        if missing:
            self._below |= missing
            desk = self._desk
            await self._read(await links.keys_below(desk.connection, desk.workspace, missing, _MOST_KEYS + 1))

    def _runs(self, keys: Collection[str]) -> dict[str, tuple[Run, ...]]:
        """Runs of keys. An e-mail's inferred ones are all there once what is below it was read."""
        found: dict[str, list[Run]] = {key: [] for key in keys}
        for run in self._all_runs():
            if run.key in found:
                found[run.key].append(run)
        return {key: identity.bounded(runs, self._desk.world.most_runs) for key, runs in found.items()}

    def _all_runs(self) -> Iterator[Run]:
        infer_owner = self._desk.world.model.infer_email_owner
        for of_key in self._explicit.values():
            yield from of_key
            yield from identity.inferred(of_key, infer_owner=infer_owner)

    async def _was_seen(self, key: str) -> bool:
        desk = self._desk
        await self._read_below({key})
        if self._explicit[key] or any(run.target == key for run in self._all_runs()):
            return True
        return await links.was_strand(desk.connection, desk.workspace, key, self._known_at)


def _check(keys: Collection[str]) -> None:
    if len(keys) > _MOST_KEYS:
        raise InvalidRequest(FieldFault("known_at", "out_of_range", "too many keys belong here to say what was known"))
