"""Which key belongs to which lead, and when: links in time, inferences, splits, and the root of a key (core 2).

A key's links are kept as **runs**: a run is a maximal sequence of consecutive links of one key to one target, named by
its first link, and broken by a split. Owners change only where a run begins, so a key that was seen a million times
with the same user is one run. Everything here works on runs of a set of keys that is closed upwards (every target of a
run is in the set too), which is enough to know the roots of all of them.

A key of more than so many runs (a kiosk, ``test@test.com``) is **nobody's**: its links and splits are void, nothing is
concluded from them, and it belongs to itself at all instants. Links only ever add runs, in whatever order they come, so
it stays so and its links need not be looked at again. An e-mail to which more than so many owners were concluded
belongs to itself too, but conclusions may be taken back.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from shared.identity_key import rank
from shared.vocabulary import KEY_RANKS, KeyType

BEGINNING: Final = -(1 << 62)
"""Before every instant."""
END: Final = 1 << 62
"""After every instant."""
MOST_RUNS: Final = 2_000
"""Runs of a key that somebody still owns; a device that two people take in turns every day gets there in five years.
Measured in decision 0039.
"""

_USER: Final = KEY_RANKS[KeyType.USER_ID]
_EMAIL: Final = KEY_RANKS[KeyType.EMAIL]
_EXTERNAL: Final = KEY_RANKS[KeyType.EXTERNAL]
_DEVICE: Final = KEY_RANKS[KeyType.ANONYMOUS_ID]

_LONG_WAY: Final = 16
_AT: Final = attrgetter("at")
_START: Final = attrgetter("start")


class Origin(StrEnum):
    """Where a run comes from. A ``split`` is no link; it breaks runs and cuts those before it.

    The one run of a key that is nobody's is ``shared`` and leads to the key itself. What is ``void`` does not count and
    is only kept: for what was known earlier, or to be counted again when fewer owners are concluded.
    """

    OWN = "own"
    ALIAS = "alias"
    INFERRED = "inferred"
    SPLIT = "split"
    SHARED = "shared"
    VOID = "void"


class Run(NamedTuple):
    """Consecutive links of ``key`` to ``target`` beginning with the touchpoint ``(at, id)``.

    ``via`` is the device or external key from which an inferred link was concluded, else empty.
    """

    key: str
    at: int
    id: str
    target: str
    origin: Origin
    via: str = ""


class Link(NamedTuple):
    """One touchpoint's word that ``key`` belongs to ``target``; with origin ``split``, that it does not."""

    key: str
    at: int
    id: str
    target: str
    origin: Origin


class Piece(NamedTuple):
    """In ``[start, end)`` the root of a key is ``root``."""

    start: int
    end: int
    root: str


Known = dict[str, tuple[Piece, ...]]
"""Pieces of keys found out so far, for whoever asks about many keys of the same owners."""
Runs = Mapping[str, Sequence[Run]]
Owners = Mapping[str, Sequence[Run]]


def links_of(keys: Sequence[str], previous: str | None, kind: str, at: int, touchpoint_id: str) -> list[Link]:
    """The links that one touchpoint says: its own keys to its strand, an alias, or a split."""
    strand = keys[0]
    if kind == "unlinked":
        return [Link(strand, at, touchpoint_id, previous, Origin.SPLIT)] if previous and previous != strand else []
    links = [Link(key, at, touchpoint_id, strand, Origin.OWN) for key in keys[1:]]
    if kind == "aliased" and previous and previous != strand and rank(previous) == rank(strand) == _USER:
        links.append(Link(previous, at, touchpoint_id, strand, Origin.ALIAS))
    return links


def extended(runs: Sequence[Run], link: Link) -> tuple[Run, ...] | None:
    """The runs of a key after one more link, or None when only a look at the links beside it can tell.

    ``runs`` are the key's runs without inferred ones, in order.
    """
    if not runs:
        return (Run(*link),)
    covering = None
    for run in runs:
        if (run.at, run.id) > (link.at, link.id):
            break
        covering = run
    same = covering is not None and covering.target == link.target and covering.origin == link.origin != Origin.SPLIT
    return tuple(runs) if same or is_shared(runs) else None


def runs_from(links: Iterable[Link], most: int = MOST_RUNS) -> tuple[Run, ...]:
    """The runs of one key from all its links, in order."""
    runs: list[Run] = []
    for link in sorted(links, key=lambda link: (link.at, link.id)):
        last = runs[-1] if runs else None
        if last is None or (last.target, last.origin) != (link.target, link.origin) or link.origin is Origin.SPLIT:
            runs.append(Run(*link))
    return bounded(runs, most)


def bounded(runs: Sequence[Run], most: int) -> tuple[Run, ...]:
    """The runs of one key, those inferred last; instead of more than ``most`` of either one that leads to itself."""
    said = [run for run in runs if run.origin is not Origin.INFERRED]
    concluded = [run for run in runs if run.origin is Origin.INFERRED]
    return (*_at_most(said, most, Origin.SHARED), *_at_most(concluded, most, Origin.INFERRED))


def _at_most(runs: Sequence[Run], most: int, origin: Origin) -> Sequence[Run]:
    if len(runs) <= most:
        return runs
    key = runs[0].key
    return (Run(key, BEGINNING, "", key, origin, key if origin is Origin.INFERRED else ""),)


def is_shared(runs: Iterable[Run]) -> bool:
    """Whether the key of these runs is nobody's by what was said of it."""
    return any(run.origin is Origin.SHARED for run in runs)


def is_crowded(runs: Iterable[Run]) -> bool:
    """Whether more owners were concluded for the key of these runs than count."""
    return any(run.origin is Origin.INFERRED and _is_loop(run) for run in runs)


def inferred(runs: Sequence[Run], *, infer_owner: bool) -> tuple[Run, ...]:
    """Links of e-mails that follow from the runs of a device or an external key (the two inferences of core 2)."""
    links = [run for run in runs if run.origin is Origin.OWN]
    if not links:
        return ()
    key_rank = rank(links[0].key)
    if key_rank == _DEVICE and infer_owner:
        return tuple(
            Run(first.target, second.at, second.id, second.target, Origin.INFERRED, second.key)
            for first, second in pairwise(links)
            if rank(first.target) == _EMAIL and rank(second.target) == _USER
        )
    if key_rank == _EXTERNAL:
        first = next((run.target for run in links if rank(run.target) == _EMAIL), None)
        return tuple(
            Run(run.target, run.at, run.id, first, Origin.INFERRED, run.key)
            for before, run in pairwise(links)
            if first is not None and rank(run.target) == _EMAIL and run.target not in (first, before.target)
        )
    return ()


def owners(runs: Runs) -> Owners:
    """The links that count, per key in order: explicit before inferred, no cycles, splits applied.

    A link that a split cut is a link of the key to itself.
    """
    counted = {key: _counted(of_key) for key, of_key in runs.items()}
    refused = _closing_a_cycle(
        [
            run
            for of_key in counted.values()
            for run in of_key
            if rank(run.key) == rank(run.target) and not _is_loop(run)
        ]
    )
    return {
        key: _cut([run for run in of_key if run not in refused], runs[key]) for key, of_key in counted.items() if of_key
    }


def _counted(runs: Sequence[Run]) -> list[Run]:
    explicit = [run for run in runs if run.origin in (Origin.OWN, Origin.ALIAS, Origin.SHARED)]
    return explicit or [run for run in runs if run.origin is Origin.INFERRED]


def _is_loop(run: Run) -> bool:
    return run.key == run.target


def _closing_a_cycle(level: list[Run]) -> frozenset[Run]:
    """Of links between keys of one rank, in ``(time, id)`` order, those that would close a cycle over all before."""
    if len(level) < 2:  # noqa: PLR2004 - one edge between two different keys is no cycle
        return frozenset()
    refused: set[Run] = set()
    targets: dict[str, set[str]] = {}
    joined: dict[str, str] = {}
    closing: set[tuple[str, str]] = set()
    for run in level:  # own links of one rank go to the lower bytes and cannot close a cycle among themselves
        if run.origin is Origin.OWN:
            _join(joined, run.key, run.target)
            targets.setdefault(run.key, set()).add(run.target)
    for run in sorted(level, key=lambda run: (run.at, run.id, run.key, run.target)):
        if run.origin is Origin.OWN or run.target in targets.get(run.key, ()):
            continue
        closed = (run.key, run.target) in closing
        if closed or (not _join(joined, run.key, run.target) and _reaches(targets, run.target, run.key)):
            closing.add((run.key, run.target))
            refused.add(run)
        else:
            targets.setdefault(run.key, set()).add(run.target)
    return frozenset(refused)


def _join(joined: dict[str, str], key: str, other: str) -> bool:
    """Note that two keys hang together, in whatever direction. False when they did already: only then may another
    link between them close a cycle, and has to be searched for.
    """
    ends = []
    for one in (key, other):
        end = one
        while (further := joined.get(end, end)) != end:
            joined[end] = joined.get(further, further)
            end = further
        ends.append(end)
    joined[ends[0]] = ends[1]
    return ends[0] != ends[1]


def _reaches(targets: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, ahead = {start}, [start]
    while ahead:
        key = ahead.pop()
        if key == goal:
            return True
        fresh = targets.get(key, set()) - seen
        seen |= fresh
        ahead.extend(fresh)
    return False


def _cut(counted: list[Run], runs: Sequence[Run]) -> tuple[Run, ...]:
    cut_until: dict[str, tuple[int, str]] = {}
    for run in runs:
        if run.origin is Origin.SPLIT:
            cut_until[run.target] = max((run.at, run.id), cut_until.get(run.target, (BEGINNING, "")))
    if cut_until:
        never = (BEGINNING, "")
        counted = [
            run._replace(target=run.key) if (run.at, run.id) <= cut_until.get(run.target, never) else run
            for run in counted
        ]
    return tuple(sorted(counted, key=lambda run: (run.at, run.id, run.target)))


def owner_at(of_key: Sequence[Run], key: str, at: int) -> str:
    """Target of the latest link at or before ``at``; else of the earliest; else the key itself."""
    if not of_key:
        return key
    return of_key[max(0, bisect_right(of_key, at, key=_AT) - 1)].target


def root_at(owners_by_key: Owners, key: str, at: int, known: Known | None = None) -> str:
    """The root of a key at an instant: owners followed upwards. A lead is a root.

    Where that is a long way, all of it is found out at once and kept in ``known`` for the next one who asks.
    """
    for _ in range(_LONG_WAY):
        owner = owner_at(owners_by_key.get(key, ()), key, at)
        if owner == key:
            return key
        key = owner
    return _root_of(_pieces(owners_by_key, key, {} if known is None else known), at)


def pieces(owners_by_key: Owners, key: str) -> tuple[Piece, ...]:
    """The root of a key over all time, as adjacent pieces from ``BEGINNING`` to ``END``."""
    return _pieces(owners_by_key, key, {})


def _pieces(owners_by_key: Owners, key: str, known: Known) -> tuple[Piece, ...]:
    """The same, with the pieces of other keys that are ``known``; those met on the way are added."""
    ahead = [key]
    while ahead:  # a stack, not recursion: chains of aliases may be as long as somebody likes
        current = ahead[-1]
        tenures = _tenures(owners_by_key.get(current, ()), current)
        missing = [target for _, _, target in tenures if target != current and target not in known]
        if missing:
            ahead.extend(missing)
            continue
        ahead.pop()
        if current not in known:
            known[current] = _joined(current, tenures, known)
    return known[key]


def _joined(
    key: str, tenures: Sequence[tuple[int, int, str]], known: Mapping[str, Sequence[Piece]]
) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for start, end, target in tenures:
        for piece in (Piece(start, end, key),) if target == key else _between(known[target], start, end):
            _append(found, Piece(max(start, piece.start), min(end, piece.end), piece.root))
    return tuple(found)


def _between(of_key: Sequence[Piece], start: int, end: int) -> Sequence[Piece]:
    """The pieces that meet ``[start, end)``."""
    return of_key[bisect_right(of_key, start, key=_START) - 1 : bisect_left(of_key, end, key=_START)]


def _tenures(of_key: Sequence[Run], key: str) -> list[tuple[int, int, str]]:
    """Owner of a key over time; of links at one instant the one with the highest id holds."""
    starts = [(BEGINNING, of_key[0].target if of_key else key)]
    for run in of_key:
        if starts[-1][0] == run.at:
            starts.pop()
        starts.append((run.at, run.target))
    ends = [start for start, _ in starts[1:]] + [END]
    return [(start, end, target) for (start, target), end in zip(starts, ends, strict=True)]


def _append(found: list[Piece], piece: Piece) -> None:
    if found and found[-1].root == piece.root:
        found[-1] = Piece(found[-1].start, piece.end, piece.root)
    else:
        found.append(piece)


def moved(before: Owners, after: Owners, keys: Iterable[str]) -> list[tuple[str, int, str, str]]:
    """Where the roots of ``keys`` differ: (key, from instant, old root, new root), one per differing stretch."""
    changes: list[tuple[str, int, str, str]] = []
    old_known: Known = {}
    new_known: Known = {}
    for key in keys:
        old, new = _pieces(before, key, old_known), _pieces(after, key, new_known)
        for start in sorted({piece.start for piece in (*old, *new)}):
            old_root, new_root = _root_of(old, start), _root_of(new, start)
            if old_root != new_root:
                changes.append((key, start, old_root, new_root))
    return changes


def _root_of(of_key: Sequence[Piece], at: int) -> str:
    return of_key[bisect_right(of_key, at, key=_START) - 1].root


def members(owners_by_key: Owners, keys: Iterable[str], root: str) -> list[tuple[str, int, int]]:
    """The pieces ``(strand, from, to)`` of a lead among ``keys``, which must hold every key below the root.

    Only the root's own stretches are followed: a key below a shared one would have as many pieces as that has owners.
    """
    below = sorted(keys)
    held: dict[str, list[tuple[int, int]]] = {}
    inside = set(below)
    for key in below:
        ahead = [key]
        while ahead:  # a stack, as above
            current = ahead[-1]
            tenures = _tenures(owners_by_key.get(current, ()), current)
            missing = {t for _, _, t in tenures if t != current and t in inside and t not in held}
            if missing and current not in held:
                ahead.extend(missing)
                continue
            ahead.pop()
            if current not in held:
                held[current] = _held(current, tenures, held, root)
    return [(key, start, end) for key in below for start, end in held[key]]


def _held(
    key: str, tenures: Sequence[tuple[int, int, str]], held: Mapping[str, Sequence[tuple[int, int]]], root: str
) -> list[tuple[int, int]]:
    """When the root of a key is ``root``, given the same of its owners."""
    found: list[tuple[int, int]] = []
    for start, end, target in tenures:
        of_target = ((start, end),) if target == key == root else held.get(target, ()) if target != key else ()
        for since, until in of_target:
            stretch = max(start, since), min(end, until)
            if found and found[-1][1] == stretch[0]:
                found[-1] = found[-1][0], stretch[1]
            elif stretch[0] < stretch[1]:
                found.append(stretch)
    return found
