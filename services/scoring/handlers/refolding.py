"""Catching up leads whose fold is behind, or whose next implied instant has come, slice by slice (core 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.scoring.domain import facts, fold
from services.scoring.domain import state as states
from services.scoring.domain.identity import BEGINNING
from services.scoring.domain.state import State
from services.scoring.domain.touchpoint import Place, Touchpoint, decode
from services.scoring.handlers import folding, identifying
from services.scoring.handlers.publishing import Publication
from services.scoring.handlers.touchpoints import SERVICE
from services.scoring.handlers.worlds import World, Worlds
from services.scoring.store import history, leads
from services.scoring.store import identity as links_store
from services.scoring.store.history import HistoryRow, PieceToRead
from services.scoring.store.identity import WorkspaceKey
from services.scoring.store.leads import Checkpoint, LeadRow
from shared import identity_key
from shared.clock import Clock
from shared.database.connection import Connection
from shared.streaming import outbox

_LEADS: Final = 128
_FIRST: Final = (UUID(int=0), "")
"""Before every key."""

_TOUCHPOINTS: Final = 8_000
"""About how many touchpoints one transaction refolds, so that it holds its locks for a fraction of a second."""
_FEWEST: Final = 32
_MOST_KEYS: Final = 4_000
"""Keys below a lead up to which it is known piece by piece what of them is its own; a lead of more is caught up alone,
from a slice of all that is below it.
"""
_ALL_KEYS: Final = 8_000
"""About how many keys the leads of one transaction may have below them."""
_FIRST_LEADS: Final = 8
"""Leads whose keys are read at once, then twice as many as long as they have few."""
_BEGINNING: Final = Place(BEGINNING, "")
_NEXT: Final = "\x01"
"""Appended to an id it names the place right after it (no id holds a NUL, and PostgreSQL keeps none)."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What one transaction did: leads taken, touchpoints folded, leads whose fold is good again."""

    taken: int
    touchpoints: int
    finished: int


@dataclass(slots=True)
class _Work:
    """One lead being caught up; ``since`` is the place after which touchpoints are folded anew."""

    world: World
    row: LeadRow
    state: State
    since: Place
    input: list[Touchpoint]
    is_anew: bool = False
    """Whether it is folded from its first touchpoint on, under versions that its checkpoints do not know."""
    more: bool = False
    reached: Place | None = None
    """Where more is to be read after this slice, when that is known not to be right after the state's place."""


@dataclass(frozen=True, slots=True)
class _Slice:
    """Touchpoints of a piece from its beginning; ``is_cut`` when there may be more."""

    rows: list[HistoryRow]
    is_cut: bool


class Refolder:
    """Catches leads up inside the caller's transaction. Any number of workers may do so at once."""

    def __init__(self, worlds: Worlds, clock: Clock, epoch: int) -> None:
        self._worlds, self._clock, self._epoch = worlds, clock, epoch
        self._after = _FIRST

    async def step(self, connection: Connection, watermark: int) -> CaughtUp:
        """Take some leads, fold a slice of each, publish those that are done. ``watermark`` is that of scoring."""
        now = self._clock.now()
        stale = await self._take_stale(connection)
        due = stale or await leads.take_due(connection, _LEADS, watermark)
        rows = due or await leads.take_outdated(connection, _LEADS, watermark)
        if not rows:
            return CaughtUp(0, 0, 0)
        worlds = await self._worlds.of(connection, {workspace for workspace, _ in rows})
        work = await _begun(connection, rows, worlds)
        if stale or not due:
            work = await _read(connection, work)
        else:
            work = await _postponed(connection, work)
            if not work:
                return CaughtUp(len(rows), 0, 0)
        if stale:
            self._after = (work[-1].row.workspace, work[-1].row.key)
        return await self._finish(connection, work, watermark, now)

    async def _take_stale(self, connection: Connection) -> dict[WorkspaceKey, LeadRow]:
        """The next leads behind, round and round: whoever is behind again at once does not keep the others waiting."""
        rows = await leads.take_stale(connection, _LEADS, self._after)
        if not rows and self._after != _FIRST:
            self._after = _FIRST
            rows = await leads.take_stale(connection, _LEADS, _FIRST)
        return rows

    async def _finish(self, connection: Connection, work: Sequence[_Work], watermark: int, now: int) -> CaughtUp:
        checkpoints = [checkpoint for one in work for checkpoint in _fold(one, watermark)]
        done = [one for one in work if not one.more]
        told = await leads.told_cycles(connection, [(*_place(one), _first_number(one)) for one in done])
        winners = await _winners(connection, [one for one in done if not one.state.count and _place(one) in told], now)
        publication = Publication(self._epoch, now)
        for one in work:
            if not one.more:
                bodies = told.get(_place(one), [])
                _tell(one, [states.decode_cycle(body) for body in bodies], publication, winners.get(_place(one)))
            _settle(one)
        await leads.save(connection, [one.row for one in work])
        await leads.drop_checkpoints(
            connection, [(one.row.workspace, one.row.key, _BEGINNING) for one in work if one.is_anew]
        )
        await leads.add_checkpoints(connection, checkpoints)
        await leads.tell(connection, publication.cycles, publication.listed, publication.unlisted)
        await outbox.append(connection, SERVICE, publication.outbox)
        return CaughtUp(len(work), sum(len(one.input) for one in work), len(done))


async def _begun(
    connection: Connection, rows: Mapping[WorkspaceKey, LeadRow], worlds: Mapping[UUID, World]
) -> list[_Work]:
    """Each lead with the last state that is good: its own, else its last checkpoint, else none."""
    work = []
    behind = []
    for row in rows.values():
        world = worlds[row.workspace]
        state = states.decode(row.state) if row.state else states.initial()
        since = _since(row.stale, state)
        is_anew = not folding.is_current(world.timeline, state)
        if is_anew:
            row.lower(folding.outdated_from(world.timeline, state))
        elif row.stale is not None and not _is_good(state, row.stale):
            behind.append((row.workspace, row.key, row.stale))
        if is_anew or (row.stale is not None and not _is_good(state, row.stale)):
            state = states.initial()
            since = state.place
        work.append(_Work(world, row, state, since, [], is_anew))
    found = await leads.last_checkpoints(connection, behind)
    for one in work:
        if (body := found.get((one.row.workspace, one.row.key))) is not None:
            _resume(one, states.decode(body))
    return work


def _resume(one: _Work, checkpoint: State) -> None:
    """Go on from a checkpoint, if it knows all versions."""
    if folding.is_current(one.world.timeline, checkpoint):
        one.state, one.since = checkpoint, checkpoint.place
    else:
        one.is_anew = True


async def _postponed(connection: Connection, work: Sequence[_Work]) -> list[_Work]:
    """Those whose time has come but for leads of an outdated version, which are behind and taken as such."""
    await leads.save(connection, [one.row for one in work if one.is_anew])
    return [one for one in work if not one.is_anew]


def _is_good(state: State, stale: Place) -> bool:
    return state.place < stale and state.clock <= stale.at


def _since(stale: Place | None, state: State) -> Place:
    """Where a slice that was read ended, which may be after the last touchpoint that was the lead's."""
    if stale is None or not stale.id.endswith(_NEXT):
        return state.place
    return max(state.place, Place(stale.at, stale.id.removesuffix(_NEXT)))


async def _read(connection: Connection, work: Sequence[_Work]) -> list[_Work]:
    """Give leads the next slice of their history. Returns the first of them, as many as one transaction can read of."""
    await links_store.by_index(connection)
    taken: list[_Work] = []
    below: list[list[str]] = []
    at_once = _FIRST_LEADS
    while len(taken) < len(work) and sum(map(len, below)) < _ALL_KEYS:
        ahead = work[len(taken) : len(taken) + at_once]
        keys = await links_store.keys_down(
            connection, [(one.row.workspace, one.row.key) for one in ahead], _MOST_KEYS + 1
        )
        found = [keys[one.row.workspace, one.row.key] for one in ahead]
        wide = next((place for place, of_lead in enumerate(found) if len(of_lead) > _MOST_KEYS), len(ahead))
        taken += ahead[:wide]
        below += found[:wide]
        if wide < len(ahead):
            break
        at_once *= 2
    if not taken:
        await _read_wide(connection, work[0])
        return [work[0]]
    await _read_pieces(connection, taken, below)
    return taken


async def _read_pieces(connection: Connection, work: Sequence[_Work], below: Sequence[Sequence[str]]) -> None:
    """Of all strands whose root a lead is, when it is."""
    wanted = {(one.row.workspace, key) for one, keys in zip(work, below, strict=True) for key in keys}
    belonging = identifying.belonging(await links_store.runs_of(connection, wanted))
    pieces: list[PieceToRead] = []
    owner_of_piece: list[_Work] = []
    for one, keys in zip(work, below, strict=True):
        for strand, start, end in belonging.members(one.row.workspace, keys, one.row.key):
            if end > one.since.at:
                pieces.append(PieceToRead(one.row.workspace, strand, max(start, one.since.at), end, one.since))
                owner_of_piece.append(one)
    found: dict[int, list[_Slice]] = {}
    for one, piece in zip(owner_of_piece, await _slices(connection, pieces), strict=True):
        found.setdefault(id(one), []).append(piece)
    for one in work:
        _take(one, found.get(id(one), []))


async def _read_wide(connection: Connection, one: _Work) -> None:
    """Of all that is below a lead the next touchpoints, of which some may be another's."""
    workspace, root = one.row.workspace, one.row.key
    rows = await history.read_below(connection, workspace, root, one.since, _TOUCHPOINTS)
    runs = await links_store.chains_up(connection, {(workspace, strand) for strand, _, _ in rows})
    belonging = identifying.belonging(runs)
    one.input = [decode(body) for strand, place, body in rows if belonging.root(workspace, strand, place.at) == root]
    if len(rows) == _TOUCHPOINTS:
        one.more, one.reached = True, rows[-1][1]


async def _slices(connection: Connection, pieces: Sequence[PieceToRead]) -> list[_Slice]:
    """A little of each piece, then more of those that have more: of a thousand devices most have but one visit."""
    limit = max(_FEWEST, _TOUCHPOINTS // max(1, len(pieces)))
    slices = await _read_slices(connection, pieces, limit)
    long = [index for index, piece in enumerate(slices) if piece.is_cut]
    more = _TOUCHPOINTS // max(1, len(long))
    if long and more > limit:
        rest = [pieces[index]._replace(after=slices[index].rows[-1].place) for index in long]
        for index, found in zip(long, await _read_slices(connection, rest, more), strict=True):
            slices[index] = _Slice([*slices[index].rows, *found.rows], found.is_cut)
    return slices


async def _read_slices(connection: Connection, pieces: Sequence[PieceToRead], limit: int) -> list[_Slice]:
    rows: list[list[HistoryRow]] = [[] for _ in pieces]
    for row in await history.read(connection, pieces, limit):
        rows[row.piece].append(row)
    return [_Slice(found, is_cut=len(found) == limit) for found in rows]


def _take(one: _Work, pieces: Sequence[_Slice]) -> None:
    """The lead's slice in order; where a piece was cut off, nothing after its last row is certain yet."""
    horizon = min((piece.rows[-1].place for piece in pieces if piece.is_cut), default=None)
    rows = sorted((row for piece in pieces for row in piece.rows), key=lambda row: row.place)
    if horizon is not None:
        one.more = True
        rows = [row for row in rows if row.place <= horizon]
    one.input = [decode(row.body) for row in rows]


def _fold(one: _Work, watermark: int) -> list[Checkpoint]:
    checkpoints = folding.forward(one.world.timeline, one.row, one.state, one.input, keep_closed=True)
    if not one.more and one.state.count:
        one.state = fold.advance(one.world.timeline, one.state, watermark)
    return checkpoints


def _first_number(one: _Work) -> int:
    """From which cycle on this fold knows better than what was told."""
    return next((cycle.number for cycle in facts.held(one.state)), 0)


def _place(one: _Work) -> WorkspaceKey:
    return one.row.workspace, one.row.key


async def _winners(connection: Connection, emptied: Sequence[_Work], now: int) -> dict[WorkspaceKey, UUID]:
    """Of leads with nothing left, those they belong to now; one that is still its own root belongs to no other."""
    if not emptied:
        return {}
    belonging = identifying.belonging(await links_store.chains_up(connection, {_place(one) for one in emptied}))
    roots = {_place(one): belonging.root(*_place(one), now) for one in emptied}
    return {
        _place(one): identity_key.lead_id(one.world.secret, root)
        for one in emptied
        if (root := roots[_place(one)]) != one.row.key
    }


def _tell(one: _Work, told: list[states.Cycle], publication: Publication, merged_into: UUID | None) -> None:
    before = states.decode(one.row.state) if one.row.state else None
    summary = None
    if before is not None and before.count:
        summary = facts.brief(one.world.timeline.models[before.model_version], before, before.clock)
    is_refolded = one.row.stale is not None
    publication.tell(
        one.world, one.row, told, one.state, before=summary, is_refolded=is_refolded, merged_into=merged_into
    )


def _settle(one: _Work) -> None:
    """Say how far the fold is good now."""
    row, state = one.row, one.state
    if one.more:
        reached = one.reached or state.place
        row.stale = Place(reached.at, reached.id + _NEXT)
        folding.keep(row, state)
        return
    state.closed = []
    row.stale = None
    folding.keep(row, state)
    row.wake_at = state.due if state.count else None  # exactly: an earlier one would wake the lead again for ever
    row.earliest_at = state.first.at if state.first else None
