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

    rows: Mapping[WorkspaceKey, LeadRow]
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
    """Note the links and bring the runs up to date. Returns the runs of all chains after it."""
    await links_store.add_links(connection, links, recorded_at)
    explicit, torn = _extended(chains.runs, links)
    explicit |= await links_store.rescan(connection, torn)
    changed = _with_inferred(chains.runs, explicit, worlds)
    await links_store.replace_runs(connection, chains.runs, changed)
    return chains.runs | changed


def _extended(
    runs: RunsByKey, links: Sequence[tuple[UUID, Link]]
) -> tuple[dict[WorkspaceKey, tuple[Run, ...]], set[WorkspaceKey]]:
    """Explicit runs of keys that a link changed, and the keys of which only all their links can tell."""
    changed: dict[WorkspaceKey, tuple[Run, ...]] = {}
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


def _with_inferred(
    runs: RunsByKey, explicit: Mapping[WorkspaceKey, tuple[Run, ...]], worlds: Mapping[UUID, World]
) -> dict[WorkspaceKey, tuple[Run, ...]]:
    """All runs of the keys that change: the explicit ones given, and those concluded from them for e-mails."""
    changed = {
        key: (*after, *(run for run in runs.get(key, ()) if run.origin is Origin.INFERRED))
        for key, after in explicit.items()
    }
    for (workspace, source), after in explicit.items():
        concluded = identity.inferred(after, infer_owner=worlds[workspace].model.infer_email_owner)
        before = identity.inferred(
            _explicit(runs.get((workspace, source), ())), infer_owner=worlds[workspace].model.infer_email_owner
        )
        for email in {run.key for run in (*concluded, *before)}:
            present = changed.get((workspace, email), runs.get((workspace, email), ()))
            others = [run for run in present if run.via != source]
            changed[workspace, email] = (*others, *(run for run in concluded if run.key == email))
    return changed


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose a touchpoint is after a batch: owners per workspace, among the chains of the batch."""

    owners: Mapping[UUID, Owners]
    known: dict[UUID, Known] = field(default_factory=lambda: defaultdict(dict))

    def root(self, workspace: UUID, strand: str, at: int) -> str:
        """The root of a strand at an instant."""
        return identity.root_at(self.owners.get(workspace, {}), strand, at, self.known[workspace])


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
