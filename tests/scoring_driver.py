"""Drives the real scoring handlers on a real database, batch by batch, as the stream loop would."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import yaml

from services.scoring.domain import state as states
from services.scoring.domain.state import State
from services.scoring.handlers.refolding import CaughtUp, Refolder
from services.scoring.handlers.touchpoints import TouchpointHandler
from services.scoring.handlers.worlds import Worlds
from shared.clock import Clock
from shared.contracts import codec
from shared.contracts.lead_change import LeadChange
from shared.database.engine import create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.streaming import positions
from shared.streaming.processor import BatchProcessor, Handled
from shared.streaming.types import Batch, Partition, Record
from shared.vocabulary import Group, TopicName

WORKSPACE = UUID(int=0x77)
SECRET = bytes(range(32))


def b2b() -> str:
    """The template as YAML."""
    return (resources.files("services.scoring") / "templates" / "b2b.yaml").read_text()


def b2b_document() -> dict[str, Any]:
    """The template as the reference reads it."""
    document: dict[str, Any] = yaml.safe_load(b2b())
    return document


def touchpoint(number: int, kind: str, at: int, *keys: str, **fields: Any) -> dict[str, Any]:
    """A touchpoint as the log carries it, with readable defaults."""
    return {
        "workspace": str(WORKSPACE),
        "id": f"t{number:04}",
        "kind": kind,
        "channel": "web",
        "occurred_at": at,
        "received_at": at,
        "keys": list(keys),
        **fields,
    }


@dataclass(slots=True)
class Scoring:
    """Scoring without its process: batches in, leads out."""

    pool: asyncpg.Pool
    handler: TouchpointHandler
    refolder: Refolder
    processor: BatchProcessor
    offset: int = 0

    async def deliver(self, touchpoints: Sequence[dict[str, Any]], partition: int = 0) -> Handled:
        """One batch of one partition (positions are per call, so partitions do not matter to the result)."""
        return await self.deliver_bytes([msgspec.json.encode(one) for one in touchpoints], partition)

    async def deliver_bytes(self, values: Sequence[bytes], partition: int = 0) -> Handled:
        """The same with the records' own bytes."""
        place = Partition(TopicName.TOUCHPOINTS, partition)
        async with borrowed(self.pool) as connection:
            await positions.seed(connection, Group.SCORING_TOUCHPOINTS, place.topic, {place: 0})
            known = await positions.load(connection, Group.SCORING_TOUCHPOINTS, place.topic)
        start = known[place]
        records = tuple(Record(start + i, value, start + i) for i, value in enumerate(values))
        return await self.processor.process(Batch(place, start, start + len(records), records))

    async def catch_up(self, watermark: int) -> int:
        """Refold until nothing is behind and no timer is due. Returns how many transactions that took."""
        steps = 0
        while (await self.step(watermark)).taken:
            steps += 1
        return steps

    async def step(self, watermark: int) -> CaughtUp:
        """One transaction of the catch-up worker."""
        async with borrowed(self.pool) as connection, connection.transaction():
            return await self.refolder.step(connection, watermark)

    async def leads(self) -> dict[str, State]:
        """The folded leads by root key (only those with touchpoints)."""
        rows = await self.pool.fetch("SELECT key, state FROM scoring.lead WHERE state IS NOT NULL")
        return {row["key"]: states.decode(row["state"]) for row in rows}

    async def changes(self) -> list[LeadChange]:
        """All lead changes in the order in which they were decided."""
        rows = await self.pool.fetch(
            "SELECT value FROM streaming.outbox WHERE topic = $1 ORDER BY id", TopicName.CHANGES.value
        )
        return [codec.decode_change(row["value"]) for row in rows]

    async def facts(self) -> dict[tuple[str, str], Any]:
        """What a reader of all changes holds in the end: the newest version of every fact that is not gone."""
        held: dict[tuple[str, str], tuple[int, Any]] = {}
        for change in await self.changes():
            for key, fact in change.facts.items():
                place = (change.lead_id, key)
                if change.version > held.get(place, (0, None))[0]:
                    held[place] = (change.version, fact)
        return {place: fact for place, (_, fact) in held.items() if fact is not None}


async def open_scoring(dsn: str, clock: Clock, template: str | None = None) -> Scoring:
    """Scoring on a migrated database, with one workspace."""
    pool = await create_pool(dsn, Role.SCORING_WORKER, size=8)
    keys = await create_pool(dsn, Role.INGEST_WORKER, size=1)
    await keys.execute(
        "INSERT INTO access.workspace (id, name, secret, created_at) VALUES ($1, 'test', $2, 0) ON CONFLICT DO NOTHING",
        WORKSPACE,
        SECRET,
    )
    await keys.close()
    worlds = Worlds(template or b2b())
    handler = TouchpointHandler(worlds, clock, epoch=1)
    processor = BatchProcessor(pool, Group.SCORING_TOUCHPOINTS, handler)
    return Scoring(pool, handler, Refolder(worlds, clock, epoch=1), processor)
