"""One batch of touchpoints: refused, or remembered, stored, linked and folded forward. Late input is left to
catch up.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final
from uuid import UUID

import msgspec

from services.scoring.domain import facts, identity
from services.scoring.domain import state as states
from services.scoring.domain.identity import Link
from services.scoring.domain.touchpoint import Touchpoint, decode
from services.scoring.handlers import folding, identifying
from services.scoring.handlers.publishing import Publication
from services.scoring.handlers.recognising import Conflict, Incoming, recognise
from services.scoring.handlers.worlds import World, Worlds
from services.scoring.store import history, leads
from services.scoring.store.history import StoredTouchpoint
from services.scoring.store.identity import WorkspaceKey
from services.scoring.store.leads import Checkpoint, LeadRow
from shared.clock import Clock
from shared.contracts import codec
from shared.contracts.rejection import Rejection
from shared.database.connection import Connection
from shared.identity_key import MAX_VALUE_BYTES
from shared.streaming import outbox
from shared.streaming.outbox import OutboxRow
from shared.streaming.processor import Handled
from shared.streaming.types import Batch, Record
from shared.vocabulary import Code, TopicName

SERVICE: Final = "scoring"
_MAX_TEXT_BYTES: Final = MAX_VALUE_BYTES + 128
"""Of an id and of a key with the name of its type: the door lets no longer ones in, and no index takes them."""
_NOBODY: Final = UUID(int=0)


class TouchpointHandler:
    """Handles batches of ``lead.touchpoints.v1`` for the group ``scoring.touchpoints``."""

    def __init__(self, worlds: Worlds, clock: Clock, epoch: int) -> None:
        self._worlds, self._clock, self._epoch = worlds, clock, epoch

    async def handle(self, connection: Connection, batch: Batch) -> Handled:
        """Everything of ``core.md`` 1-5 for this batch, in the lock order position, seen, history, keys, outbox."""
        now = self._clock.now()
        incoming, refused = await self._read(connection, batch.records, now)
        fresh, conflicts = await recognise(connection, incoming)
        publication = Publication(self._epoch, now)
        publication.outbox.extend(refused)
        publication.outbox.extend([_told(one, now) for one in conflicts])
        if fresh:
            await history.store(connection, [_stored(one) for one in fresh], now)
            await self._fold(connection, fresh, publication, now)
        await leads.tell(connection, publication.cycles, publication.listed, publication.unlisted)
        await outbox.append(connection, SERVICE, publication.outbox)
        oldest = min((one.touchpoint.received_at for one in fresh), default=None)
        return Handled(
            records=len(batch.records),
            fresh=len(fresh),
            refused=len(refused),
            conflicts=Counter((str(one.incoming.world.workspace), one.protocol) for one in conflicts),
            oldest_received_at=oldest,
        )

    async def refuse(self, connection: Connection, batch: Batch, reason: str) -> Handled:
        """Keep the batch's one record aside, with what the database said of it."""
        (record,) = batch.records
        await outbox.append(connection, SERVICE, [_refusal(record.value, reason, self._clock.now())])
        return Handled(records=1, refused=1)

    async def _read(
        self, connection: Connection, records: Sequence[Record], now: int
    ) -> tuple[list[Incoming], list[OutboxRow]]:
        """What can be used, and refusals for the rest."""
        workspace_of = cache(UUID)
        readable: list[tuple[UUID, Touchpoint, bytes]] = []
        refused: list[OutboxRow] = []
        for record in records:
            try:
                touchpoint = decode(record.value)
                readable.append((workspace_of(touchpoint.workspace), _checked(touchpoint), record.value))
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                refused.append(_refusal(record.value, str(error), now))
        worlds = await self._worlds.of(connection, {workspace for workspace, _, _ in readable})
        incoming = []
        for workspace, touchpoint, body in readable:
            if workspace in worlds:
                incoming.append(Incoming(worlds[workspace], touchpoint, body))
            else:
                refused.append(_refusal(body, f"there is no workspace {workspace}", now))
        return incoming, refused

    async def _fold(
        self, connection: Connection, fresh: Sequence[Incoming], publication: Publication, now: int
    ) -> None:
        worlds = {one.world.workspace: one.world for one in fresh}
        links = [(one.world.workspace, link) for one in fresh for link in _links(one.touchpoint)]
        chains = await identifying.lock_chains(connection, _touched(fresh, links), worlds)
        runs = await identifying.link(connection, chains, links, worlds, now) if links else chains.runs
        belonging = identifying.belonging(runs)
        marked = identifying.mark_moved(chains, identifying.belonging(chains.runs), belonging) if links else []
        changed = {(row.workspace, row.key): row for row in marked}
        checkpoints: list[Checkpoint] = []
        for key, of_lead in _by_lead(fresh, belonging).items():
            row = changed[key] = chains.rows[key]
            checkpoints.extend(_fold_lead(worlds[row.workspace], row, of_lead, publication))
        await leads.save(connection, changed.values())
        stale = [(row.workspace, row.key, row.stale) for row in changed.values() if row.stale is not None]
        await leads.drop_checkpoints(connection, stale)
        await leads.add_checkpoints(connection, checkpoints)


def _checked(touchpoint: Touchpoint) -> Touchpoint:
    if not touchpoint.keys or not all(touchpoint.keys) or not touchpoint.id:
        message = "a touchpoint needs an id and at least one identity key"
        raise ValueError(message)
    if _is_long(touchpoint.id) or any(map(_is_long, touchpoint.keys)) or _is_long(touchpoint.previous or ""):
        message = "an id or an identity key is too long for an index"
        raise ValueError(message)
    return touchpoint


def _is_long(text: str) -> bool:
    return len(text) > _MAX_TEXT_BYTES // 4 and len(text.encode()) > _MAX_TEXT_BYTES


def _links(touchpoint: Touchpoint) -> list[Link]:
    return identity.links_of(
        touchpoint.keys, touchpoint.previous, touchpoint.kind, touchpoint.occurred_at, touchpoint.id
    )


def _stored(one: Incoming) -> StoredTouchpoint:
    return StoredTouchpoint(one.world.workspace, one.touchpoint.strand, one.touchpoint.place, one.body)


def _touched(fresh: Sequence[Incoming], links: Sequence[tuple[UUID, Link]]) -> set[WorkspaceKey]:
    keys = {(one.world.workspace, key) for one in fresh for key in one.touchpoint.keys}
    for workspace, link in links:
        keys.add((workspace, link.key))
        keys.add((workspace, link.target))
    return keys


def _by_lead(fresh: Sequence[Incoming], belonging: identifying.Belonging) -> dict[WorkspaceKey, list[Touchpoint]]:
    found: dict[WorkspaceKey, list[Touchpoint]] = {}
    for one in fresh:
        touchpoint, workspace = one.touchpoint, one.world.workspace
        root = belonging.root(workspace, touchpoint.strand, touchpoint.occurred_at)
        found.setdefault((workspace, root), []).append(touchpoint)
    return found


def _fold_lead(world: World, row: LeadRow, touchpoints: list[Touchpoint], publication: Publication) -> list[Checkpoint]:
    """Fold a lead forward when all its input comes after what is folded, otherwise say from where it is behind."""
    touchpoints.sort(key=lambda touchpoint: touchpoint.place)
    first = touchpoints[0].place
    row.earliest_at = first.at if row.earliest_at is None else min(row.earliest_at, first.at)
    state = states.decode(row.state) if row.state is not None else states.initial()
    if not folding.is_current(world.timeline, state):
        row.lower(folding.outdated_from(world.timeline, state))
    if row.stale is not None or not states.appendable(state, first):
        row.lower(first)
        return []
    told = facts.held(state)
    checkpoints = folding.forward(world.timeline, row, state, touchpoints)
    if told != facts.held(state):
        publication.tell(world, row, told, state, before=_brief(world, row))
    state.closed = []
    folding.keep(row, state)
    row.wake_at = folding.wake(row, state)
    return checkpoints


def _brief(world: World, row: LeadRow) -> facts.Brief | None:
    """The lead as it was stored, for people."""
    if row.state is None:
        return None
    before = states.decode(row.state)
    return facts.brief(world.timeline.models[before.model_version], before, before.clock)


class _Glance(msgspec.Struct):
    """What can be told of bytes that are no touchpoint."""

    workspace: str = ""
    id: str = ""
    protocol: str = ""


def _told(conflict: Conflict, now: int) -> OutboxRow:
    """The conflict as a refused item. It is no fault of the record's bytes, so no number of them stops a partition."""
    words = " and ".join(conflict.differing) or "identity"
    incoming = conflict.incoming
    rejection = Rejection(
        workspace=str(incoming.world.workspace),
        id=conflict.id,
        code=Code.ID_CONFLICT,
        pointer="/id",
        detail=f"the first touchpoint of this id has another {words}; that one stands",
        protocol=conflict.protocol,
        received_at=now,
        refused_by=SERVICE,
        payload=incoming.body,
    )
    return OutboxRow(incoming.world.workspace, TopicName.REJECTIONS, 0, codec.encode(rejection), now)


def _refusal(value: bytes, detail: str, now: int) -> OutboxRow:
    try:
        glance = msgspec.json.decode(value, type=_Glance)
        workspace = UUID(glance.workspace)
    except (msgspec.DecodeError, ValueError, RecursionError):
        glance, workspace = _Glance(), _NOBODY
    rejection = Rejection(
        workspace=str(workspace),
        id=glance.id or hashlib.blake2b(value, digest_size=16).hexdigest(),
        code=Code.UNREADABLE_RECORD,
        pointer="",
        detail=detail[:500],
        protocol=glance.protocol or "log",
        received_at=now,
        refused_by=SERVICE,
        payload=value,
    )
    return OutboxRow(workspace, TopicName.REJECTIONS, 0, codec.encode(rejection), now)
