"""Workspaces and their keys: made, listed, rotated with overlap, revoked, and loaded whole by the services' doors.

A key is 40 characters of chance behind a readable prefix, so a plain SHA-256 is kept instead of a slow hash.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from shared.database.session import ReadSession, WriteSession
from shared.database.tables import key as key_table
from shared.database.tables import workspace as workspace_table


class KeyKind(StrEnum):
    """A write key only posts touchpoints and may be public; a secret key does what its scopes say."""

    WRITE = "write"
    SECRET = "secret"  # noqa: S105  (a word, not a secret)


class Scope(StrEnum):
    """What a secret key may do."""

    INGEST = "ingest"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


LOOPBACK_ORIGINS: Final = ("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*")
"""Where the first write key may be used from in a browser, besides the origins asked for."""

_LETTERS: Final = {KeyKind.WRITE: "tw", KeyKind.SECRET: "ts"}
_ALPHABET: Final = string.ascii_letters + string.digits
_SECRET_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Workspace:
    """One customer's world. ``secret`` is the key of its keyed hashes."""

    id: UUID
    name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. Instants are microseconds; it opens from ``created_at`` until it expires or is revoked."""

    prefix: str
    workspace: UUID
    kind: KeyKind
    digest: bytes
    scopes: frozenset[Scope]
    origins: tuple[str, ...]
    protocol: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def opens(self, text: str, now: int) -> bool:
        """Whether ``text`` is this key and it is valid now; takes the same time whatever differs."""
        same = secrets.compare_digest(self.digest, digest(text))
        return same and not any(end is not None and end <= now for end in (self.expires_at, self.revoked_at))


@dataclass(frozen=True, slots=True)
class KeyText:
    """A new key: ``text`` is shown once and then only its digest remains."""

    prefix: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Everything a door needs to know, as of one read."""

    workspaces: dict[UUID, Workspace]
    keys: dict[str, Key]

    def key_of(self, text: str, now: int) -> Key | None:
        """The valid key with this text, or None."""
        found = self.keys.get(prefix_of(text))
        return found if found is not None and found.opens(text, now) else None


def digest(text: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def prefix_of(text: str) -> str:
    """The part of a key by which it is found and listed: ``tw_<8 characters>``."""
    return "_".join(text.split("_", 2)[:2])


def draw_key(kind: KeyKind) -> KeyText:
    """A new key by chance."""
    prefix = f"{_LETTERS[kind]}_{_draw(8)}"
    return KeyText(prefix, f"{prefix}_{_draw(_SECRET_LENGTH)}")


async def create_workspace(session: WriteSession, name: str, now: int) -> Workspace:
    """The workspace of that name, made if it does not exist."""
    row = {"id": uuid4(), "name": name, "secret": secrets.token_bytes(32), "created_at": now}
    await session.execute(insert_or_skip(workspace_table).values(row).on_conflict_do_nothing(index_elements=["name"]))
    found = await find_workspace(session, name)
    if found is None:  # pragma: no cover  (it was just written in this transaction)
        raise LookupError(name)
    return found


async def find_workspace(session: ReadSession | WriteSession, name: str) -> Workspace | None:
    """The workspace of that name, or None."""
    columns = (workspace_table.c.id, workspace_table.c.name, workspace_table.c.secret)
    row = (await session.execute(select(*columns).where(workspace_table.c.name == name))).one_or_none()
    return None if row is None else Workspace(row.id, row.name, row.secret)


async def create_key(
    session: WriteSession,
    workspace: UUID,
    kind: KeyKind,
    now: int,
    *,
    scopes: frozenset[Scope] = frozenset(),
    origins: tuple[str, ...] = (),
    protocol: str = "segment",
    expires_at: int | None = None,
) -> KeyText:
    """Make a key. A write key needs no scopes; without ``origins`` it is refused in browsers, not from servers."""
    made = draw_key(kind)
    await session.execute(
        insert(key_table).values(
            prefix=made.prefix,
            workspace_id=workspace,
            kind=kind,
            digest=digest(made.text),
            scopes=sorted(scopes),
            origins=list(origins),
            protocol=protocol,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return made


async def rotate_key(session: WriteSession, prefix: str, now: int, *, overlap: int) -> KeyText | None:
    """A new key like that of ``prefix``, which lasts ``overlap`` microseconds more; None when there is no valid one."""
    old = (
        await session.execute(select(key_table).where(key_table.c.prefix == prefix, _valid(now)).with_for_update())
    ).one_or_none()
    if old is None:
        return None
    kept = _key(old)
    made = await create_key(
        session,
        kept.workspace,
        kept.kind,
        now,
        scopes=kept.scopes,
        origins=kept.origins,
        protocol=kept.protocol,
        expires_at=kept.expires_at,
    )
    end = now + overlap if kept.expires_at is None else min(now + overlap, kept.expires_at)
    await session.execute(update(key_table).where(key_table.c.prefix == prefix).values(expires_at=end))
    return made


async def revoke_key(session: WriteSession, prefix: str, now: int) -> bool:
    """End a key at once. False when there is no valid one of that prefix."""
    statement = update(key_table).where(key_table.c.prefix == prefix, _valid(now)).values(revoked_at=now)
    return (await session.execute(statement.returning(key_table.c.prefix))).one_or_none() is not None


async def list_keys(session: ReadSession | WriteSession, workspace: UUID) -> list[Key]:
    """All keys the workspace ever had, oldest first."""
    statement = select(key_table).where(key_table.c.workspace_id == workspace)
    rows = await session.execute(statement.order_by(key_table.c.created_at, key_table.c.prefix))
    return [_key(row) for row in rows]


async def load_all(session: ReadSession | WriteSession) -> Access:
    """Every workspace, and every key that was not revoked, for the cache of a door."""
    workspaces = await session.execute(select(workspace_table.c.id, workspace_table.c.name, workspace_table.c.secret))
    keys = await session.execute(select(key_table).where(key_table.c.revoked_at.is_(None)))
    return Access(
        {row.id: Workspace(row.id, row.name, row.secret) for row in workspaces},
        {row.prefix: _key(row) for row in keys},
    )


def _valid(now: int) -> ColumnElement[bool]:
    return key_table.c.revoked_at.is_(None) & or_(key_table.c.expires_at.is_(None), key_table.c.expires_at > now)


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    kept = row._mapping
    return Key(
        prefix=kept["prefix"],
        workspace=kept["workspace_id"],
        kind=KeyKind(kept["kind"]),
        digest=kept["digest"],
        scopes=frozenset(Scope(scope) for scope in kept["scopes"]),
        origins=tuple(kept["origins"]),
        protocol=kept["protocol"],
        created_at=kept["created_at"],
        expires_at=kept["expires_at"],
        revoked_at=kept["revoked_at"],
    )


def _draw(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
