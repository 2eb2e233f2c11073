"""Workspaces and their keys in the database: made, listed, rotated, revoked. Each write tells the doors."""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, Select, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from shared.access import ENTROPY_BYTES, AccessKey, KeyKind, Scope, WireProfile, digest_of, mint, prefix_of
from shared.database.session import ReadSession, WriteSession
from shared.database.tables import key as key_table
from shared.database.tables import workspace as workspace_table

CHANGED: Final = "tragt_access"
"""The channel on which a committed change of keys is told."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One customer's world. ``secret`` is the key of its keyed hashes."""

    id: UUID
    name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: ``text`` is shown once, then only its digest remains."""

    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it is listed: what it may do and until when, never what opens it. Instants are microseconds.

    ``name`` is what people call it, empty when nothing.
    """

    key: AccessKey
    created_at: int
    name: str


async def create_workspace(session: WriteSession, name: str, now: int) -> Workspace:
    """The workspace of that name, made if it does not exist."""
    row = {"id": uuid4(), "name": name, "secret": secrets.token_bytes(32), "created_at": now}
    await session.execute(insert_or_skip(workspace_table).values(row).on_conflict_do_nothing(index_elements=["name"]))
    return await find_workspace(session, name)


async def find_workspace(session: ReadSession | WriteSession, name: str) -> Workspace:
    """The workspace of that name. Raises LookupError when there is none."""
    columns = (workspace_table.c.id, workspace_table.c.name, workspace_table.c.secret)
    row = (await session.execute(select(*columns).where(workspace_table.c.name == name))).one_or_none()
    if row is None:
        message = f"there is no workspace {name!r}"
        raise LookupError(message)
    return Workspace(row.id, row.name, row.secret)


async def create_key(
    session: WriteSession,
    workspace: UUID,
    kind: KeyKind,
    now: int,
    *,
    scopes: frozenset[str] = frozenset(),
    origins: frozenset[str] = frozenset(),
    protocol: str = WireProfile.SEGMENT,
    expires_at: int | None = None,
) -> NewKey:
    """Make a key. A write key posts touchpoints whatever ``scopes`` says; ``origins`` are the sites it may sit on."""
    text = mint(kind, secrets.token_bytes(ENTROPY_BYTES))
    made = NewKey(prefix_of(text), text)
    await session.execute(
        insert(key_table).values(
            prefix=made.prefix,
            workspace_id=workspace,
            kind=kind,
            digest=digest_of(text),
            scopes=[Scope.INGEST] if kind is KeyKind.WRITE else sorted(scopes),
            origins=sorted(origins),
            protocol=protocol,
            created_at=now,
            expires_at=expires_at,
        )
    )
    await _tell(session)
    return made


async def rotate_key(session: WriteSession, prefix: str, now: int, *, overlap: int) -> NewKey | None:
    """A new key like that of ``prefix``, which lasts ``overlap`` microseconds more; None when there is no valid one."""
    row = (
        await session.execute(_keys().where(key_table.c.prefix == prefix, _valid(now)).with_for_update())
    ).one_or_none()
    if row is None:
        return None
    old = _key(row)
    made = await create_key(
        session,
        old.workspace,
        old.kind,
        now,
        scopes=old.scopes,
        origins=old.origins,
        protocol=old.protocol,
        expires_at=old.expires_at,
    )
    await name_key(session, made.prefix, row.name)
    if old.kinds:
        await bind_key(session, made.prefix, old.kinds)
    if old.items_per_second is not None:
        await limit_key(session, made.prefix, now, old.items_per_second)
    end = now + overlap if old.expires_at is None else min(now + overlap, old.expires_at)
    await session.execute(update(key_table).where(key_table.c.prefix == prefix).values(expires_at=end))
    return made


async def limit_key(session: WriteSession, prefix: str, now: int, items_per_second: int | None) -> bool:
    """Give a key a rate of its own, or take it away. False when there is no valid one of that prefix."""
    statement = update(key_table).where(key_table.c.prefix == prefix, _valid(now))
    statement = statement.values(items_per_second=items_per_second)
    found = (await session.execute(statement.returning(key_table.c.prefix))).one_or_none()
    await _tell(session)
    return found is not None


async def bind_key(session: WriteSession, prefix: str, kinds: frozenset[str]) -> None:
    """Let a key send touchpoints of these kinds only; with none, of any."""
    await session.execute(update(key_table).where(key_table.c.prefix == prefix).values(kinds=sorted(kinds)))
    await _tell(session)


async def name_key(session: WriteSession, prefix: str, name: str) -> None:
    """Say what people call a key."""
    await session.execute(update(key_table).where(key_table.c.prefix == prefix).values(name=name))


async def allow_origins(session: WriteSession, prefix: str, origins: frozenset[str]) -> None:
    """Let browsers use the key on these sites too."""
    if not origins:
        return
    row = (await session.execute(_keys().where(key_table.c.prefix == prefix).with_for_update(of=key_table))).one()
    allowed = sorted(_key(row).origins | origins)
    await session.execute(update(key_table).where(key_table.c.prefix == prefix).values(origins=allowed))
    await _tell(session)


async def revoke_key(session: WriteSession, prefix: str, now: int) -> bool:
    """End a key at once. False when there is no valid one of that prefix."""
    statement = update(key_table).where(key_table.c.prefix == prefix, _valid(now)).values(revoked_at=now)
    found = (await session.execute(statement.returning(key_table.c.prefix))).one_or_none()
    await _tell(session)
    return found is not None


async def list_keys(session: ReadSession | WriteSession, workspace: UUID) -> list[ListedKey]:
    """All keys the workspace ever had, oldest first."""
    rows = await session.execute(
        _keys().where(key_table.c.workspace_id == workspace).order_by(key_table.c.created_at, key_table.c.prefix)
    )
    return [ListedKey(_key(row), row.created_at, row.name) for row in rows]


async def load_keys(session: ReadSession | WriteSession) -> list[AccessKey]:
    """Every key that was not revoked, of all workspaces, for the memory of a door."""
    return [_key(row) for row in await session.execute(_keys().where(key_table.c.revoked_at.is_(None)))]


async def read_policy(session: ReadSession | WriteSession, workspace: UUID) -> str:
    """What the workspace has decided for its door, as JSON."""
    statement = select(workspace_table.c.policy).where(workspace_table.c.id == workspace)
    return str((await session.execute(statement)).scalar_one())


async def put_policy(session: WriteSession, workspace: UUID, policy: str) -> None:
    """Put another in its place; every door has it as soon as it is told."""
    await session.execute(update(workspace_table).where(workspace_table.c.id == workspace).values(policy=policy))
    await _tell(session)


async def _tell(session: WriteSession) -> None:
    await session.execute(select(func.pg_notify(CHANGED, "")))


def _keys() -> Select[*tuple[Any, ...]]:
    joined = key_table.join(workspace_table, workspace_table.c.id == key_table.c.workspace_id)
    owner = (workspace_table.c.name.label("workspace_name"), workspace_table.c.secret, workspace_table.c.policy)
    return select(key_table, *owner).select_from(joined)


def _valid(now: int) -> ColumnElement[bool]:
    return key_table.c.revoked_at.is_(None) & or_(key_table.c.expires_at.is_(None), key_table.c.expires_at > now)


def _key(row: Row[*tuple[Any, ...]]) -> AccessKey:
    kept = row._mapping
    return AccessKey(
        prefix=kept["prefix"],
        workspace=kept["workspace_id"],
        workspace_name=kept["workspace_name"],
        secret=kept["secret"],
        kind=KeyKind(kept["kind"]),
        digest=kept["digest"],
        scopes=frozenset(kept["scopes"]),
        origins=frozenset(kept["origins"]),
        protocol=kept["protocol"],
        expires_at=kept["expires_at"],
        revoked_at=kept["revoked_at"],
        items_per_second=kept["items_per_second"],
        kinds=frozenset(kept["kinds"]),
        policy=kept["policy"],
    )
