"""A whole ingest on a real database and its embedded log: keys made, application built, records read back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as RequestScope

from services.ingest.api import serving
from services.ingest.bootstrap import Resources, ensure_log, opened
from services.ingest.handlers.outbound import Outbound
from services.ingest.handlers.rejections import RejectionHandler
from services.ingest.settings import IngestSettings
from shared.access import KeyKind, Scope, WireProfile
from shared.contracts.codec import decode_rejection, decode_touchpoint, encode
from shared.contracts.rejection import Rejection
from shared.contracts.touchpoint import Touchpoint
from shared.database.access import Workspace, create_key, create_workspace
from shared.database.pool import borrowed
from shared.database.session import writing
from shared.settings import read_settings
from shared.streaming.types import Append, Batch, Partition, Record
from shared.vocabulary import TopicName

_CLOCK = 1_700_000_000_000_000
_ORIGINS = frozenset({"https://shop.example"})


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one workspace."""

    workspace: Workspace
    write: str
    secret: str
    native: str


@dataclass(slots=True)
class OpenDoor:
    """An ingest that takes requests, and what it has written."""

    own: Resources
    keys: Keys
    client: httpx.AsyncClient
    admin_dsn: str

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Post JSON, or bytes as they are, with the write key unless headers say otherwise."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given = {"authorization": f"Bearer {self.keys.write}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.client.post(path, content=content, headers={k: v for k, v in given.items() if v})

    async def key_of(self, profile: WireProfile) -> str:
        """A new write key of that profile."""
        made = await key_of(self.own, self.keys.workspace.id, profile)
        await self.own.access.load()
        return made

    async def touchpoints(self) -> list[Touchpoint]:
        """All on the log, in the order of partitions and offsets."""
        return [decode_touchpoint(value) for value in await self._values(TopicName.TOUCHPOINTS)]

    async def rejections(self) -> list[Rejection]:
        """All on the log."""
        return [decode_rejection(value) for value in await self._values(TopicName.REJECTIONS)]

    async def keep(self) -> int:
        """Let the worker's handler keep every rejection on the log; how many rows are new."""
        values = await self._values(TopicName.REJECTIONS)
        records = tuple(Record(offset, value, _CLOCK) for offset, value in enumerate(values))
        batch = Batch(Partition(TopicName.REJECTIONS, 0), 0, len(records), records)
        async with borrowed(self.own.pool) as connection, connection.transaction():
            return (await RejectionHandler().handle(connection, batch)).fresh

    async def _values(self, topic: str) -> list[bytes]:
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            return await read_log(connection, topic)
        finally:
            await connection.close()


async def read_log(connection: asyncpg.Connection, topic: str) -> list[bytes]:
    """Every record's value of a topic of the embedded log."""
    rows = await connection.fetch(
        "SELECT r.value FROM streaming.record r JOIN streaming.topic t ON t.id = r.topic_id "
        "WHERE t.name = $1 ORDER BY r.partition, r.record_offset",
        topic,
    )
    return [row["value"] for row in rows]


async def key_of(own: Resources, workspace: UUID, profile: WireProfile) -> str:
    """A new write key of that profile, of shop.example."""
    async with writing(own.writer) as session:
        made = await create_key(session, workspace, KeyKind.WRITE, _CLOCK, protocol=profile, origins=_ORIGINS)
    return made.text


async def make_keys(own: Resources, name: str = "default") -> Keys:
    """A workspace with a write key of shop.example, a secret key that may do all, and a key of our own profile."""
    async with writing(own.writer) as session:
        workspace = await create_workspace(session, name, _CLOCK)
        write = await create_key(session, workspace.id, KeyKind.WRITE, _CLOCK, origins=_ORIGINS)
        secret = await create_key(session, workspace.id, KeyKind.SECRET, _CLOCK, scopes=frozenset(Scope))
        native = await create_key(session, workspace.id, KeyKind.WRITE, _CLOCK, protocol=WireProfile.NATIVE)
    return Keys(workspace, write.text, secret.text, native.text)


def settings_for(dsn: str, **more: str) -> IngestSettings:
    """Settings of a process on one database with the embedded log in it."""
    return read_settings(IngestSettings, {"INGEST_DATABASE_DSN": dsn, "INGEST_LOG_DSN": dsn, **more})


@asynccontextmanager
async def open_door(dsn: str, admin_dsn: str, **more: str) -> AsyncIterator[OpenDoor]:
    """A door on a migrated database, reached in-process; ``more`` are further settings."""
    async with opened(settings_for(dsn, **more)) as own:
        await ensure_log(own, asyncio.Event())
        keys = await make_keys(own)
        await own.access.load()
        await own.hooks.load()
        await own.schemas.load()
        app = serving.application(own)
        transport = httpx.ASGITransport(app=with_state(app, own))
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
            yield OpenDoor(own, keys, client, admin_dsn)


def with_state(app: ASGIApp, own: Resources) -> ASGIApp:
    """What the server's lifespan would have put into every request's state."""

    async def stated(scope: RequestScope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": serving.resources(own)}, receive, send)

    return stated


@asynccontextmanager
async def reaching(door: OpenDoor, far_side: Callable[[httpx.Request], httpx.Response]) -> AsyncIterator[OpenDoor]:
    """The same door, from which ``far_side`` is all that can be reached."""
    outbound = Outbound(httpx.MockTransport(far_side))
    own = replace(door.own, outbound=outbound)
    transport = httpx.ASGITransport(app=with_state(serving.application(own), own))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        yield replace(door, client=client)
    await outbound.close()


def refused_by_a_worker(touchpoint: Touchpoint, **said: Any) -> Rejection:
    """What scoring tells of a touchpoint that it does not take; ``said`` is what this one is told otherwise."""
    rejection = Rejection(
        workspace=touchpoint.workspace,
        id=touchpoint.id,
        code="unreadable_record",
        pointer="",
        detail="not understood",
        protocol="native",
        received_at=touchpoint.received_at,
        refused_by="scoring",
        payload=encode(touchpoint),
    )
    return msgspec.structs.replace(rejection, **said)


async def tell_refused(door: OpenDoor, *rejections: Rejection) -> None:
    """Carry rejections over the log, and keep them."""
    await door.own.producer.append(TopicName.REJECTIONS, [Append(0, encode(one)) for one in rejections])
    await door.keep()
