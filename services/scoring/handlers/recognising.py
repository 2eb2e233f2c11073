"""Which touchpoints of a batch are new, which came before, and which only bear the id of another (conflicts)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.scoring.domain import sameness
from services.scoring.domain.touchpoint import Touchpoint
from services.scoring.handlers.worlds import World
from services.scoring.store import history
from services.scoring.store.history import Again
from shared.contracts.rejection import TWIN_MARK
from shared.database.connection import Connection


@dataclass(frozen=True, slots=True)
class Incoming:
    """A readable touchpoint of the batch."""

    world: World
    touchpoint: Touchpoint
    body: bytes


class Conflict(NamedTuple):
    """A touchpoint under the id of another that came first.

    ``id`` is its own, the same for its retries; ``differing`` says in what they contradict each other, empty when the
    first was said of somebody else and is not at hand.
    """

    incoming: Incoming
    id: str
    protocol: str
    differing: tuple[str, ...]


class Recognised(NamedTuple):
    """What is new, in the log's order, and the conflicts that nobody was told of yet."""

    fresh: list[Incoming]
    conflicts: list[Conflict]


_Known = tuple[UUID, bytes]
_FAULTS: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What is in a part that no fold reads, and that no door of ours lets in, must not stop a partition."""


async def recognise(connection: Connection, incoming: Sequence[Incoming]) -> Recognised:
    """Remember the ids for ever. Only what bears an id that was seen, here or ever, costs more than that.

    At most two statements more, however many there are of such: what came first is read, and conflicts are remembered
    under ids of their own, so that each is told once however often it is sent.
    """
    firsts: dict[_Known, Incoming] = {}
    twins: list[tuple[_Known, Incoming]] = []
    for one in incoming:
        known = one.world.workspace, one.world.digest(one.touchpoint.id)
        if firsts.setdefault(known, one) is not one:
            twins.append((known, one))
    if not firsts:
        return Recognised([], [])
    seen = [(*known, one.touchpoint.occurred_at) for known, one in firsts.items()]
    fresh = await history.remember(connection, seen)
    new = [one for (_, digest), one in firsts.items() if digest in fresh]
    if len(new) == len(incoming):
        return Recognised(new, [])
    here = [(firsts[known].body, one) for known, one in twins if known[1] in fresh]
    before = [(known, one) for known, one in (*firsts.items(), *twins) if known[1] not in fresh]
    return Recognised(new, await _untold(connection, _within(here) + await _against_stored(connection, before)))


def _within(pairs: Sequence[tuple[bytes, Incoming]]) -> list[Conflict]:
    """Those that contradict the first of their id in the same batch."""
    return [conflict for body, one in pairs if (conflict := _compared(body, one)) is not None]


async def _against_stored(connection: Connection, before: Sequence[tuple[_Known, Incoming]]) -> list[Conflict]:
    """Those that contradict the first of their id in the history."""
    if not before:
        return []
    asked = [
        Again(*known, one.touchpoint.strand, one.touchpoint.occurred_at, one.touchpoint.id) for known, one in before
    ]
    found = []
    for (_, one), first in zip(before, await history.firsts(connection, asked), strict=True):
        if first.body is not None:
            conflict = _compared(first.body, one)
        else:
            conflict = _elsewhere(one) if first.is_placed else None
        if conflict is not None:
            found.append(conflict)
    return found


def _compared(first: bytes, one: Incoming) -> Conflict | None:
    if first == one.body:
        return None
    try:
        said = sameness.read(one.body)
        differing = sameness.differences(sameness.read(first), said)
        return _conflict(one, said, differing) if differing else None
    except _FAULTS:
        return None


def _elsewhere(one: Incoming) -> Conflict | None:
    try:
        said = sameness.read(one.body)
        return _conflict(one, said, ()) if sameness.is_of_another(said, one.body) else None
    except _FAULTS:
        return None


def _conflict(one: Incoming, said: sameness.Said, differing: tuple[str, ...]) -> Conflict:
    own_id = f"{one.touchpoint.id}{TWIN_MARK}{sameness.fingerprint(said, one.world.secret)}"
    return Conflict(one, own_id, said.protocol, differing)


async def _untold(connection: Connection, conflicts: Sequence[Conflict]) -> list[Conflict]:
    """The first of each conflict, unless it was told before; they enter what is seen, where no touchpoint has them."""
    by_id: dict[_Known, Conflict] = {}
    for conflict in conflicts:
        world = conflict.incoming.world
        by_id.setdefault((world.workspace, world.digest(conflict.id)), conflict)
    if not by_id:
        return []
    told = await history.remember(connection, [(*known, None) for known in by_id])
    return [conflict for (_, digest), conflict in by_id.items() if digest in told]
