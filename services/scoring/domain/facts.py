"""What is reported of a lead: facts, moves and summaries, and how two versions of them differ (core 5)."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from services.scoring.domain.fold import engagement_at
from services.scoring.domain.model import Model
from services.scoring.domain.state import Cycle, Entry, State
from shared.vocabulary import MAIN_PATH

_PATH: Final = frozenset(MAIN_PATH)
_CYCLES_TOLD_AT_ONCE: Final = 8
"""A cycle is told in some tens of kilobytes at worst, and a record of the log has room for a megabyte."""


class Facet(NamedTuple):
    """A cycle as reports count it: entry instants of main-path statuses, which were implied, how it ended."""

    steps: Mapping[str, int]
    implied: tuple[str, ...]
    exit: str | None
    exited_at: int | None
    dimensions: Mapping[str, str | int | None]


class Move(NamedTuple):
    """An entry with its stable id, by which a correction retracts it."""

    id: str
    cycle: int
    entry: Entry


class Difference(NamedTuple):
    """What a lead reports anew: cycles by number (None: gone) whose report differs, and moves added and retracted."""

    cycles: Mapping[int, Cycle | None]
    added: tuple[Move, ...]
    retracted: tuple[Move, ...]


class Brief(NamedTuple):
    """A lead for people, before and after a change."""

    status: str
    stage: str | None
    furthest: str | None
    cycle: int
    engagement: float
    fit: float


def fact_key(number: int) -> str:
    """The key of a cycle's fact."""
    return f"cycle:{number}"


def facet(cycle: Cycle) -> Facet:
    """A cycle as reports count it."""
    on_path = [entry for entry in cycle.entries if entry.axis == "status" and entry.to in _PATH]
    touch = cycle.touch
    return Facet(
        steps={entry.to: entry.at for entry in on_path},
        implied=tuple(entry.to for entry in on_path if entry.implied),
        exit=cycle.exit,
        exited_at=cycle.exited_at,
        dimensions={
            "channel": touch.channel,
            "source": touch.source,
            "campaign": touch.campaign,
            "country": touch.country,
            "device": touch.device,
            "model_version": cycle.model_version,
        },
    )


def moves(lead_id: str, cycle: Cycle, after: int = 0) -> list[Move]:
    """The moves of a cycle but for the first ``after``, with their ids: the same move has the same id for ever.

    An id stands for all that is told of a move: another cause, or a status that turns out implied, is a correction.
    The ``occurrence`` tells moves apart that are alike to the microsecond.
    """
    seen: dict[str, int] = {}
    found = []
    for place, entry in enumerate(cycle.entries):
        said = f"{entry.axis}|{entry.to}|{entry.at}|{entry.rule}|{entry.touchpoint}|{entry.origin}|{entry.implied:d}"
        name = f"{lead_id}|{cycle.number}|{said}"
        occurrence = seen[name] = seen.get(name, 0) + 1
        if place < after:
            continue
        digest = hashlib.blake2b(f"{name}|{occurrence}".encode(), digest_size=16).hexdigest()
        found.append(Move(digest, cycle.number, entry))
    return found


def difference(lead_id: str, told: Iterable[Cycle], held: Iterable[Cycle]) -> Difference:
    """What to report so that those who were told ``told`` know ``held``."""
    before, after = {cycle.number: cycle for cycle in told}, {cycle.number: cycle for cycle in held}
    cycles: dict[int, Cycle | None] = {}
    added: list[Move] = []
    retracted: list[Move] = []
    for number in sorted({*before, *after}):
        old, new = before.get(number), after.get(number)
        if old == new:
            continue
        cycles[number] = new
        known = old.entries if old else ()
        if new and new.entries[: len(known)] == known:
            added.extend(moves(lead_id, new, after=len(known)))
            continue
        old_moves = {move.id: move for move in moves(lead_id, old)} if old else {}
        new_moves = {move.id: move for move in moves(lead_id, new)} if new else {}
        added.extend(move for id_, move in new_moves.items() if id_ not in old_moves)
        retracted.extend(move for id_, move in old_moves.items() if id_ not in new_moves)
    return Difference(cycles, tuple(added), tuple(retracted))


def in_parts(difference: Difference) -> Iterator[Difference]:
    """The same by a few cycles at a time, so that each part fits a record of the log whatever the lead has done."""
    if len(difference.cycles) <= _CYCLES_TOLD_AT_ONCE:
        yield difference
        return
    added, retracted = _by_cycle(difference.added), _by_cycle(difference.retracted)
    numbers = list(difference.cycles)
    for start in range(0, len(numbers), _CYCLES_TOLD_AT_ONCE):
        some = numbers[start : start + _CYCLES_TOLD_AT_ONCE]
        yield Difference(
            {number: difference.cycles[number] for number in some},
            tuple(move for number in some for move in added.get(number, ())),
            tuple(move for number in some for move in retracted.get(number, ())),
        )


def _by_cycle(moves: Iterable[Move]) -> dict[int, list[Move]]:
    return {number: list(of) for number, of in groupby(moves, key=lambda move: move.cycle)}


def furthest(model: Model, cycle: Cycle | None) -> str | None:
    """The highest stage entered in a cycle."""
    entered = {entry.to for entry in cycle.entries if entry.axis == "stage"} if cycle else set()
    return next((stage.name for stage in reversed(model.stages) if stage.name in entered), None)


def brief(model: Model, state: State, at: int) -> Brief:
    """A lead for people at an instant not before its last touchpoint."""
    return Brief(
        status=state.status,
        stage=model.stages[state.stage].name if state.stage >= 0 else None,
        furthest=furthest(model, state.cycle),
        cycle=state.cycle.number if state.cycle else 0,
        engagement=engagement_at(model, state, at),
        fit=state.fit,
    )


def kind_of(added: Sequence[Move], retracted: Sequence[Move]) -> str:
    """The most telling word for a change: the last status move, else the last stage move, else a correction."""
    if retracted:
        return "corrected"
    real = [move.entry for move in added if not move.entry.implied]
    statuses = [entry for entry in real if entry.axis == "status"]
    if statuses:
        return f"became_{statuses[-1].to}"
    return "stage_entered" if real else "attributes_changed"


def effective_at(change: Difference, clock: int) -> int:
    """When a change took effect: at its last new move, else at the clock.

    A lead of which nothing is left has no clock: what it joined took its last move away, at that move's instant.
    """
    if change.added:
        return change.added[-1].entry.at
    return max((clock, 0, *(move.entry.at for move in change.retracted)))


def held(state: State) -> list[Cycle]:
    """The cycles a state can tell of: those ended and not yet published, and the present one."""
    return [*state.closed, *([state.cycle] if state.cycle else [])]
