"""What a batch's touchpoints say about identity: chains locked, runs brought up to date, roots and what moved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.scoring.domain import identity
from services.scoring.domain.identity import Known, Link, Origin, Owners, Run
from services.scoring.domain.state import decode
from services.scoring.domain.touchpoint import Place
from services.scoring.handlers.worlds import World
from services.scoring.store import identity as links_store
from services.scoring.store import leads
from services.scoring.store.identity import RunsByKey, WorkspaceKey
from services.scoring.store.leads import LeadRow
from shared import identity_key
from shared.database.connection import Connection
from shared.errors import Transient

_ATTEMPTS = 20


class ChainsKeepMoving(Transient):
    """The chains of a batch changed under it again and again; the batch is tried anew."""


@dataclass(frozen=True, slots=True)
class Chains:
    """The locked rows of a batch's keys and all above them, and their runs before the batch."""

    rows: dict[WorkspaceKey, LeadRow]
    runs: RunsByKey


async def lock_chains(
    connection: Connection, touched: Collection[WorkspaceKey], worlds: Mapping[UUID, World]
) -> Chains:
    """Lock the touched keys and their chains, in key order; re-read whether they are still the chains.

    Without the second look a merge that committed while we waited would be lost.
    """
    keys = await links_store.keys_up(connection, touched)
    for _ in range(_ATTEMPTS):
        try:
            async with connection.transaction():  # a savepoint: what is locked out of order is let go again
                return await _locked(connection, touched, keys, worlds)
        except _ChainsGrew as grew:
            keys |= await links_store.keys_up(connection, grew.keys)
    raise ChainsKeepMoving


class _ChainsGrew(Exception):
    """A chain has keys that are not locked."""

    def __init__(self, keys: Collection[WorkspaceKey]) -> None:
        super().__init__()
        self.keys = keys


async def _locked(
    connection: Connection,
    touched: Collection[WorkspaceKey],
    keys: Mapping[WorkspaceKey, bool],
    worlds: Mapping[UUID, World],
) -> Chains:
    await leads.ensure(connection, _with_ids([key for key, exists in keys.items() if not exists], worlds))
    rows = await leads.lock(connection, keys)
    runs = await links_store.chains_up(connection, touched)
    if not runs.keys() <= rows.keys():
        raise _ChainsGrew(runs.keys())
    return Chains(rows, runs)


def _with_ids(keys: Iterable[WorkspaceKey], worlds: Mapping[UUID, World]) -> list[tuple[UUID, str, UUID]]:
    return [
        (workspace, key, identity_key.lead_id(worlds[workspace].secret, key))
        for workspace, key in sorted(keys, key=lambda one: (one[0].int, one[1]))
    ]


async def link(
    connection: Connection,
    chains: Chains,
    links: Sequence[tuple[UUID, Link]],
    worlds: Mapping[UUID, World],
    recorded_at: int,
) -> RunsByKey:
    """Note the links and bring the runs up to date. Returns the runs of all chains after it.

    Where an owner counts again that too many others had hidden, its chain is locked as well and joins ``chains``.
    """
    await links_store.add_links(connection, links, recorded_at)
    said = await _said(connection, chains.runs, links, worlds)
    changes = _with_inferred(chains.runs, said, worlds)
    await links_store.replace_runs(connection, changes.before(chains.runs), changes.after(chains.runs))
    runs = chains.runs | changes.counted
    return runs | await _emptied(connection, chains, changes.gone, worlds) if changes.gone else runs


async def _said(
    connection: Connection, runs: RunsByKey, links: Sequence[tuple[UUID, Link]], worlds: Mapping[UUID, World]
) -> RunsByKey:
    """The explicit runs of the keys that these links changed."""
    changed, torn = _extended(runs, links)
    starts = {key: {(run.at, run.id): run for run in _explicit(runs.get(key, ()))} for key in torn}
    near = await links_store.beside(connection, [one for one in links if (one[0], one[1].key) in torn])
    for workspace, one, begins in near:
        of_key = starts[workspace, one.key]
        of_key.pop((one.at, one.id), None)
        if begins:
            of_key[one.at, one.id] = Run(*one)
    for key, of_key in starts.items():
        changed[key] = identity.bounded([of_key[place] for place in sorted(of_key)], worlds[key[0]].most_runs)
    return changed


def _extended(runs: RunsByKey, links: Sequence[tuple[UUID, Link]]) -> tuple[RunsByKey, set[WorkspaceKey]]:
    """Explicit runs of keys that a link changed, and the keys of which only the links beside it can tell."""
    changed: RunsByKey = {}
    torn: set[WorkspaceKey] = set()
    for workspace, one in links:
        key = (workspace, one.key)
        if key in torn:
            continue
        before = changed[key] if key in changed else _explicit(runs.get(key, ()))
        after = identity.extended(before, one)
        if after is None:
            torn.add(key)
            changed.pop(key, None)
        elif after != before:
            changed[key] = after
    return changed, torn


def _explicit(runs: Iterable[Run]) -> tuple[Run, ...]:
    return tuple(run for run in runs if run.origin is not Origin.INFERRED)


def _concluded(runs: Iterable[Run]) -> tuple[Run, ...]:
    return tuple(run for run in runs if run.origin is Origin.INFERRED)


@dataclass(frozen=True, slots=True)
class _Changes:
    """Runs as they count from now on, and void ones that come and go."""

    counted: RunsByKey = field(default_factory=dict)
    come: dict[WorkspaceKey, set[Run]] = field(default_factory=lambda: defaultdict(set))
    gone: dict[WorkspaceKey, set[Run]] = field(default_factory=lambda: defaultdict(set))

    def make_void(self, key: WorkspaceKey, runs: Iterable[Run]) -> None:
        """Keep runs without counting them."""
        self.come[key].update(run._replace(origin=Origin.VOID) for run in runs)

    def forget_void(self, key: WorkspaceKey, runs: Iterable[Run]) -> None:
        """Keep them no longer."""
        self.gone[key].update(run._replace(origin=Origin.VOID) for run in runs)

    def before(self, runs: RunsByKey) -> RunsByKey:
        """What is stored of the changed keys, given all that counted."""
        return {key: (*runs.get(key, ()), *self.gone.get(key, ())) for key in self._keys()}

    def after(self, runs: RunsByKey) -> RunsByKey:
        """What is to be stored of them."""
        return {key: (*self.counted.get(key, runs.get(key, ())), *self.come.get(key, ())) for key in self._keys()}

    def _keys(self) -> set[WorkspaceKey]:
        return {*self.counted, *self.come, *self.gone}


def _with_inferred(runs: RunsByKey, said: RunsByKey, worlds: Mapping[UUID, World]) -> _Changes:
    """All runs of the keys that change: the explicit ones given, and those concluded from them for e-mails."""
    changes = _Changes()
    for key, after in said.items():
        before = runs.get(key, ())
        changes.counted[key] = (*after, *_concluded(before))
        if identity.is_shared(after) and not identity.is_shared(before):
            changes.make_void(key, _explicit(before))
    for (workspace, source), after in said.items():
        infer_owner = worlds[workspace].model.infer_email_owner
        concluded = identity.inferred(after, infer_owner=infer_owner)
        before = identity.inferred(_explicit(runs.get((workspace, source), ())), infer_owner=infer_owner)
        for email in {run.key for run in (*concluded, *before)}:
            mine, was = ({run for run in some if run.key == email} for some in (concluded, before))
            present = changes.counted.get((workspace, email), runs.get((workspace, email), ()))
            if identity.is_crowded(present):
                changes.make_void((workspace, email), mine - was)
                changes.forget_void((workspace, email), was - mine)
            else:
                others = [run for run in present if run.via != source]
                changes.counted[workspace, email] = (*others, *sorted(mine))
    for key, of_key in changes.counted.items():
        changes.counted[key] = identity.bounded(of_key, worlds[key[0]].most_runs)
        if identity.is_crowded(changes.counted[key]) and not identity.is_crowded(of_key):
            changes.make_void(key, _concluded(of_key))
    return changes


async def _emptied(
    connection: Connection, chains: Chains, crowded: Mapping[WorkspaceKey, set[Run]], worlds: Mapping[UUID, World]
) -> RunsByKey:
    """Of e-mails for which fewer owners are concluded now: let those count where they are no longer too many.

    Returns the runs of all their chains, which are locked then.
    """
    most = max(worlds[workspace].most_runs for workspace, _ in crowded)
    kept = await links_store.void_conclusions(connection, crowded, most + 1)
    counting = {
        key: tuple(run._replace(origin=Origin.INFERRED) for run in kept.get(key, ()))
        for key in crowded
        if len(kept.get(key, ())) <= worlds[key[0]].most_runs
    }
    loops = {key: [run for run in chains.runs[key] if run.origin is Origin.INFERRED] for key in counting}
    await links_store.replace_runs(connection, {key: (*kept.get(key, ()), *loops[key]) for key in counting}, counting)
    runs = await links_store.chains_up(connection, counting)
    while missing := runs.keys() - chains.rows.keys():
        ahead = await links_store.keys_up(connection, missing)
        await leads.ensure(connection, _with_ids([key for key, exists in ahead.items() if not exists], worlds))
        chains.rows.update(await leads.lock(connection, ahead.keys() - chains.rows.keys()))
        runs = await links_store.chains_up(connection, counting)
    return runs


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose a touchpoint is after a batch: owners per workspace, among the chains of the batch."""

    owners: Mapping[UUID, Owners]
    known: dict[UUID, Known] = field(default_factory=lambda: defaultdict(dict))

    def root(self, workspace: UUID, strand: str, at: int) -> str:
        """The root of a strand at an instant."""
        return identity.root_at(self.owners.get(workspace, {}), strand, at, self.known[workspace])

    def members(self, workspace: UUID, keys: Iterable[str], root: str) -> list[tuple[str, int, int]]:
        """The pieces ``(strand, from, to)`` of a root among ``keys``."""
        return identity.members(self.owners.get(workspace, {}), keys, root)


def by_workspace(runs: RunsByKey) -> dict[UUID, dict[str, tuple[Run, ...]]]:
    """Runs of one workspace apart from another's."""
    found: dict[UUID, dict[str, tuple[Run, ...]]] = {}
    for (workspace, key), of_key in runs.items():
        if of_key:
            found.setdefault(workspace, {})[key] = of_key
    return found


def belonging(runs: RunsByKey) -> Belonging:
    """Whose touchpoints are, by these runs."""
    return Belonging({workspace: identity.owners(of) for workspace, of in by_workspace(runs).items()})


def mark_moved(chains: Chains, before: Belonging, after: Belonging) -> list[LeadRow]:
    """Lower ``stale`` of every lead that lost or gained history because a root changed. Returns those leads.

    A lead that never had a touchpoint loses none, nor does a clean one without a touchpoint from the instant on.
    """
    marked: dict[WorkspaceKey, LeadRow] = {}
    for workspace, owners in after.owners.items():
        old = before.owners.get(workspace, {})
        changed = [
            key
            for key in owners.keys() | old.keys()
            if owners.get(key) != old.get(key) and (key in old or chains.rows[workspace, key].earliest_at is not None)
        ]
        for _, start, old_root, new_root in identity.moved(old, owners, changed):
            loser, gainer = chains.rows[workspace, old_root], chains.rows[workspace, new_root]
            if loser.earliest_at is None:
                continue
            since = Place(max(start, loser.earliest_at), "")
            if _ends_before(loser, since):
                continue
            for row in (loser, gainer):
                row.lower(since)
                marked[workspace, row.key] = row
            gainer.earliest_at = since.at if gainer.earliest_at is None else min(gainer.earliest_at, since.at)
    return list(marked.values())


def _ends_before(row: LeadRow, place: Place) -> bool:
    """Whether a lead certainly has no touchpoint at or after a place."""
    return row.stale is None and row.state is not None and decode(row.state).place < place
