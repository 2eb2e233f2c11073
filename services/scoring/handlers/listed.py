"""The keys that a list shows of each lead: some of those it holds now, and never one that it does not hold.

A key that very many people share is linked to all of them, and each of them to it: to read all that belongs to one lead
may be to read about everybody. One lead may cost that, a list of leads may not. So of a key with many runs only the
newest link is looked at, which tells its owner unless it was cut or joined by an alias or an inference; then, and where
there are more keys than a list looks at, keys are left out.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.scoring.domain.identity import Origin, Run
from services.scoring.handlers.belongings import tree_of
from services.scoring.handlers.desk import Desk
from services.scoring.queries.below import Below, Newest, some_below
from shared.identity_key import rank

MOST_SHOWN: Final = 20
"""Keys of one lead in a list."""


class Held(NamedTuple):
    """Keys that a lead holds, strongest first, and whether there may be more."""

    keys: tuple[str, ...]
    has_more: bool


async def held(desk: Desk, roots: Sequence[str]) -> dict[str, Held]:
    """What each root holds now, with one statement whose cost per root has a bound."""
    found = await some_below(desk.connection, desk.workspace, roots)
    return {root: _held(root, below, desk.now) for root, below in found.items()}


def _held(root: str, below: Below, now: int) -> Held:
    runs = _certain(below, now)
    # What is below a key left out ends at that key, which is not the root, and so is left out too.
    keys = tree_of(root, runs).held(now) if root in runs else []
    has_more = not below.is_all or len(runs) < len(below.keys) or len(keys) > MOST_SHOWN
    return Held(tuple(keys[:MOST_SHOWN]), has_more)


def _certain(below: Below, now: int) -> dict[str, tuple[Run, ...]]:
    """Runs that tell the owner now, of the keys for which some do."""
    told = {key: _telling(newest, now) for key, newest in below.keys.items()}
    unread = {rank(key) for key, newest in below.keys.items() if not newest.is_all}
    return {
        key: runs
        for key, runs in told.items()
        if runs is not None and not _may_close_a_cycle(key, runs, unread if below.is_all else None)
    }


def _telling(newest: Newest, now: int) -> tuple[Run, ...] | None:
    """All runs; or of a key with more the newest link, when it is one that nothing older and no split can undo."""
    if newest.is_all:
        return newest.runs
    said = [run for run in newest.runs if run.origin is not Origin.INFERRED][-1:]  # then inferred ones do not count
    return tuple(said) if said and said[0].origin is Origin.OWN and said[0].at <= now else None


def _may_close_a_cycle(key: str, runs: Sequence[Run], unread: set[int] | None) -> bool:
    """Whether a link of the key might be refused for the sake of one not read, of the ranks ``unread`` or of any."""
    if unread is not None and rank(key) not in unread:
        return False
    refusable = (Origin.ALIAS, Origin.INFERRED)
    return any(run.origin in refusable and rank(run.target) == rank(key) for run in runs)
