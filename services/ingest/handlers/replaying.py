"""Tries kept items again, as if they came at the instant they first came: after a repair, or after we learned more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from services.ingest import store
from services.ingest.domain.policy import terms_by
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.handlers.accepting import SERVICE
from services.ingest.handlers.import_mappings import kept_rows
from services.ingest.handlers.schema_cache import SchemaCache
from services.ingest.protocols import import_items, keeping
from services.ingest.protocols.import_reading import KeptRows
from services.ingest.protocols.outcome import About, Arrival, Outcome, Rejected
from services.ingest.protocols.parcel import Reader
from services.ingest.protocols.readers import reader_of
from services.ingest.queries import KeptItem, find_imports
from shared.access import Principal, Scope
from shared.clock import Clock
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.rejection import TWIN_MARK
from shared.contracts.topics import TOPICS, partition_for
from shared.contracts.touchpoint import Touchpoint
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import InvalidRecord, NotFound
from shared.identity_key import is_canonical, strongest_first
from shared.streaming.ports import Producer
from shared.streaming.types import Append
from shared.vocabulary import Code, TopicName

_IMPORT: Final = f"{import_items.PROTOCOL}."
_Rows = Mapping[str, KeptRows | None]


Mend = Callable[[bytes], bytes]
"""Mends the bytes of an item. Raises ValueError when they are not JSON, RecursionError when too deep, and Refused."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of kept items: how many are durable as touchpoints now, and which are still refused."""

    accepted: int
    refused: tuple[tuple[str, Refusal], ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A kept item as it was and as it is mended, and why it is refused even so.

    No ``payload`` where it cannot be mended: it is no JSON, or too deep, or a value is not to be had.
    """

    id: str
    before: bytes
    payload: bytes | None
    refusal: Refusal | None


class Replay:
    """Takes kept items in again. Doing so twice is harmless: an item keeps its id, or has that of the row it is now."""

    def __init__(
        self,
        producer: Producer,
        engine: Engine,
        clock: Clock,
        hook_reader: Callable[[str], Reader | None],
        schemas: SchemaCache,
    ) -> None:
        self._hook_reader = hook_reader
        self._schemas = schemas
        self._producer = producer
        self._engine = engine
        self._clock = clock

    async def replay(self, principal: Principal, items: Sequence[KeptItem]) -> Replayed:
        """Append what is good now, then say so in the rows. Raises Unavailable, Transient."""
        rows = await self._rows(principal, items)
        outcomes = [(item.id, self._again(principal, item, rows)) for item in items]
        good = {item_id: outcome for item_id, outcome in outcomes if not isinstance(outcome, Rejected)}
        bad = [(item_id, outcome) for item_id, outcome in outcomes if isinstance(outcome, Rejected)]
        await self._append([one for found in good.values() for one in found])
        async with writing(self._engine) as session:
            await store.mark_replayed(session, principal.workspace, list(good), self._clock.now())
            reasons = [(item_id, *_why(outcome), bool(outcome.payload)) for item_id, outcome in bad]
            await store.mark_refused_again(session, principal.workspace, reasons)
        return Replayed(len(good), tuple((item_id, outcome.refusal) for item_id, outcome in bad))

    async def fix(
        self, principal: Principal, items: Sequence[KeptItem], mend: Mend, *, dry_run: bool
    ) -> Sequence[Fixed]:
        """Mend each item; those that are good now are appended, and the others stay as they were, reason and all.

        A dry run only tells. Raises Unavailable, Transient.
        """
        good: dict[str, bytes] = {}
        touchpoints: list[Touchpoint] = []
        fixed: list[Fixed] = []
        rows = await self._rows(principal, items)
        for item in items:
            await asyncio.sleep(0)  # others are served between two: each may look at a long list
            before = item.payload or b""
            payload = _mended(item, mend)
            if isinstance(payload, Refusal):
                fixed.append(Fixed(item.id, before, None, payload))
                continue
            outcome = self._again(principal, replace(item, payload=payload), rows)
            if not isinstance(outcome, Rejected):
                good[item.id] = payload
                touchpoints += outcome
            fixed.append(Fixed(item.id, before, payload, outcome.refusal if isinstance(outcome, Rejected) else None))
        if good and not dry_run:
            await self._append(touchpoints)
            async with writing(self._engine) as session:
                await store.mark_fixed(session, principal.workspace, good, self._clock.now())
        return fixed

    async def repair(self, principal: Principal, item_id: str, payload: bytes) -> None:
        """Put a repaired payload in place of the one that was refused. Raises NotFound, Transient."""
        async with writing(self._engine) as session:
            if not await store.repair(session, principal.workspace, item_id, payload):
                raise NotFound("there is no refused item of that id waiting to be taken")

    async def _append(self, good: Sequence[Touchpoint]) -> None:
        if good:
            count = TOPICS[TopicName.TOUCHPOINTS].partitions
            kept = map(keeping.of_decision, good)
            records = [Append(partition_for(one.workspace, one.strand, count), encode(one)) for one in kept]
            await self._producer.append(TopicName.TOUCHPOINTS, records)

    async def _rows(self, principal: Principal, items: Sequence[KeptItem]) -> _Rows:
        """What reads those that were rows of imports, by the name they are kept under. Raises Transient."""
        names = {item.protocol for item in items if item.protocol.startswith(_IMPORT) and item.refused_by == SERVICE}
        if not names:
            return {}
        async with writing(self._engine) as session:
            found = await find_imports(session, principal.workspace, [one.removeprefix(_IMPORT) for one in names])
        return {f"{_IMPORT}{job.id}": kept_rows(job) for job in found}

    def _again(self, principal: Principal, item: KeptItem, rows: _Rows) -> Sequence[Touchpoint] | Rejected:
        """The touchpoints in it, one unless it is a row of several."""
        payload = item.payload or b""
        arrival = Arrival(
            workspace=principal.workspace_text,
            secret=principal.secret,
            received_at=item.received_at,
            make_id=lambda: item.id,
            may_split=principal.may(Scope.LEADS_WRITE),
            about=About(terms=terms_by(principal.policy)),
            kinds=principal.kinds,
            schemas=self._schemas.of(principal.workspace),
        )
        if not payload:
            return Rejected(item.id, Refusal(Code(item.code), item.pointer, item.detail), payload)
        if item.refused_by != SERVICE:
            return _alone(_from_log(item, payload, principal.workspace_text))
        if item.protocol in rows:
            return _of_row(item, payload, rows[item.protocol], arrival)
        reader = reader_of(item.protocol) or self._hook_reader(item.protocol)
        if reader is None:
            return Rejected(item.id, Refusal(Code(item.code), item.pointer, item.detail), payload)
        outcome = reader.read(payload, arrival, may_hold_nul=b"\\u0000" in payload)
        return [msgspec.structs.replace(outcome, id=item.id)] if isinstance(outcome, Touchpoint) else outcome


def _alone(outcome: Outcome) -> Sequence[Touchpoint] | Rejected:
    return outcome if isinstance(outcome, Rejected) else [outcome]


def _of_row(item: KeptItem, payload: bytes, rows: KeptRows | None, arrival: Arrival) -> Sequence[Touchpoint] | Rejected:
    """All of a row or nothing, under the ids that its file would give: were it mended alike, nothing comes twice."""
    if rows is None:
        return Rejected(item.id, Refusal(Code(item.code), item.pointer, item.detail), payload)
    outcomes = rows.read(item.id, item.detail, payload, arrival)
    refused = [one for one in outcomes if isinstance(one, Rejected)]
    return refused[0] if refused else [one for one in outcomes if isinstance(one, Touchpoint)]


def _why(outcome: Rejected) -> tuple[str, str, str]:
    return outcome.refusal.code, outcome.refusal.pointer, outcome.refusal.detail


def _mended(item: KeptItem, mend: Mend) -> bytes | Refusal:
    """The item's bytes mended, or why they cannot be: by default that for which it was refused."""
    try:
        return mend(item.payload or b"")
    except Refused as why:
        return why.refusal
    except (ValueError, RecursionError):
        return Refusal(Code(item.code), item.pointer, item.detail)


def _from_log(item: KeptItem, payload: bytes, workspace: str) -> Outcome:
    """What another service refused is a message of the log already; a repair cannot make it another workspace's.

    Nor can it give it keys that are none, or in another order: the first is the strand it is stored under. Under the
    id of another it stays refused: there it would be passed over in silence.
    """
    try:
        touchpoint = decode_touchpoint(payload)
    except InvalidRecord as error:
        return Rejected(item.id, Refusal(error.reason, "", str(error)), payload)
    if item.code == Code.ID_CONFLICT and item.id.rpartition(TWIN_MARK)[0] == touchpoint.id:
        return Rejected(item.id, Refusal(Code.ID_CONFLICT, item.pointer, item.detail), payload)
    for pointer, keys in (("/keys", touchpoint.keys), ("/previous", (touchpoint.previous,))):
        if not all(key is None or is_canonical(key) for key in keys):
            why = Refusal(Code.UNKNOWN_VALUE, pointer, "a key reads like 5user_id:u-1841 or 2external.hubspot:77 here")
            return Rejected(item.id, why, payload)
    return msgspec.structs.replace(touchpoint, workspace=workspace, keys=strongest_first(set(touchpoint.keys)))
