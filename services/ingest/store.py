"""Writes of ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from services.ingest.domain.file_import import FileImport
from services.ingest.tables import file_import, hook, kind_schema, rejected, schema_version
from shared.database.session import WriteSession


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A refused item to keep. ``received_at`` is in microseconds.

    ``fingerprint`` is the same for a retry; ``twin_id`` is the id of what says something else under ``id``.
    """

    workspace: UUID
    id: str
    code: str
    pointer: str
    detail: str
    protocol: str
    refused_by: str
    received_at: int
    payload: bytes
    key: str
    fingerprint: bytes
    twin_id: str


_OF_IMPORT: Final = "import."

_KEEP: Final = """
    INSERT INTO ingest.rejected
        (workspace_id, id, code, pointer, detail, protocol, refused_by, received_at, payload, fingerprint, key)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bytea[],
        $10::bytea[], $11::text[])
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING 1
"""
_KEEP_TWINS: Final = """
    INSERT INTO ingest.rejected
        (workspace_id, id, code, pointer, detail, protocol, refused_by, received_at, payload, fingerprint, key)
    SELECT said.workspace_id, said.twin_id, said.code, said.pointer, said.detail, said.protocol, said.refused_by,
        said.received_at, said.payload, said.fingerprint, said.key
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bytea[],
        $10::bytea[], $11::text[], $12::text[]
    ) AS said
        (workspace_id, id, code, pointer, detail, protocol, refused_by, received_at, payload, fingerprint, key,
         twin_id)
    JOIN ingest.rejected AS kept ON kept.workspace_id = said.workspace_id AND kept.id = said.id
    WHERE kept.fingerprint <> said.fingerprint
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING 1
"""
_READ_OTHERWISE: Final = """
    UPDATE ingest.rejected AS kept
    SET code = said.code, pointer = said.pointer, detail = said.detail, protocol = said.protocol, key = said.key,
        received_at = said.received_at
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bytea[], $9::text[]
    ) AS said (workspace_id, id, code, pointer, detail, protocol, received_at, fingerprint, key)
    WHERE kept.workspace_id = said.workspace_id AND kept.id = said.id AND kept.fingerprint = said.fingerprint
        AND kept.protocol <> said.protocol AND kept.received_at <= said.received_at
        AND kept.protocol LIKE 'import.%' AND kept.replayed_at IS NULL
"""
"""A row of a file that was imported again is read as it was the last time: most likely its mapping was mended."""


async def keep(connection: Connection, rows: Sequence[RejectedRow]) -> int:
    """Keep the rows, each once however often it comes; how many were new.

    One statement, and where some ids are kept already one more for what says something else under them, and one for
    rows of imports, which keep the last reason and the mapping that gave it.
    """
    ordered = sorted(rows, key=lambda row: (row.workspace, row.id))
    columns = (
        [row.workspace for row in ordered],
        [row.id for row in ordered],
        [row.code for row in ordered],
        [row.pointer for row in ordered],
        [row.detail for row in ordered],
        [row.protocol for row in ordered],
        [row.refused_by for row in ordered],
        [row.received_at for row in ordered],
        [row.payload for row in ordered],
        [row.fingerprint for row in ordered],
        [row.key for row in ordered],
    )
    fresh = len(await connection.fetch(_KEEP, *columns))
    if fresh < len(rows):
        fresh += len(await connection.fetch(_KEEP_TWINS, *columns, [row.twin_id for row in ordered]))
        last = {(row.workspace, row.id): row for row in rows if row.protocol.startswith(_OF_IMPORT)}
        if last:
            await _read_otherwise(connection, [last[one] for one in sorted(last)])
    return fresh


async def _read_otherwise(connection: Connection, rows: Sequence[RejectedRow]) -> None:
    await connection.execute(
        _READ_OTHERWISE,
        [row.workspace for row in rows],
        [row.id for row in rows],
        [row.code for row in rows],
        [row.pointer for row in rows],
        [row.detail for row in rows],
        [row.protocol for row in rows],
        [row.received_at for row in rows],
        [row.fingerprint for row in rows],
        [row.key for row in rows],
    )


_EXPIRE: Final = """
    WITH old AS (
        SELECT r.workspace_id, r.id
        FROM access.workspace AS w
        CROSS JOIN LATERAL (
            SELECT k.workspace_id, k.id FROM ingest.rejected AS k
            WHERE k.workspace_id = w.id AND k.received_at < $1
            ORDER BY k.received_at, k.id LIMIT $2
        ) AS r
        LIMIT $2
    )
    DELETE FROM ingest.rejected AS kept USING old WHERE kept.workspace_id = old.workspace_id AND kept.id = old.id
"""
"""By workspace, so that the index by ``received_at`` finds them; no more than a chunk is locked at once."""


async def expire(connection: Connection, before: int, limit: int) -> int:
    """Delete items received before that instant, ``limit`` at most; how many."""
    done = await connection.execute(_EXPIRE, before, limit)
    return int(done.rpartition(" ")[2])


async def mark_replayed(session: WriteSession, workspace: UUID, ids: Sequence[str], now: int) -> None:
    """Say that these were taken at ``now``."""
    mine = rejected.c.workspace_id == workspace
    await session.execute(update(rejected).where(mine, rejected.c.id.in_(ids)).values(replayed_at=now))


_ROWS_TAKEN: Final = text("""
    UPDATE ingest.rejected SET replayed_at = :now
    WHERE workspace_id = :workspace AND id = ANY(CAST(:ids AS text[])) AND replayed_at IS NULL
        AND protocol LIKE 'import.%' AND refused_by = 'ingest'
""")


async def mark_rows_taken(session: WriteSession, workspace: UUID, ids: Sequence[str], now: int) -> None:
    """Say of rows of files that wait under these ids that they were taken at ``now``."""
    await session.execute(_ROWS_TAKEN, {"workspace": workspace, "ids": list(ids), "now": now})


_SAY_WHY: Final = text("""
    UPDATE ingest.rejected AS kept
    SET code = said.code, pointer = said.pointer, detail = said.detail,
        payload = CASE WHEN said.is_kept THEN kept.payload ELSE '' END
    FROM unnest(
        CAST(:ids AS text[]), CAST(:codes AS text[]), CAST(:pointers AS text[]), CAST(:details AS text[]),
        CAST(:kept AS boolean[])
    ) AS said (id, code, pointer, detail, is_kept)
    WHERE kept.workspace_id = :workspace AND kept.id = said.id AND kept.replayed_at IS NULL
""")


_PUT: Final = text("""
    UPDATE ingest.rejected AS kept
    SET payload = fixed.payload, replayed_at = :now
    FROM unnest(CAST(:ids AS text[]), CAST(:payloads AS bytea[])) AS fixed (id, payload)
    WHERE kept.workspace_id = :workspace AND kept.id = fixed.id AND kept.replayed_at IS NULL
""")


async def mark_fixed(session: WriteSession, workspace: UUID, payloads: Mapping[str, bytes], now: int) -> None:
    """Say that these were taken at ``now``, with other payloads than they came with; not of what was taken already."""
    fixed = {"workspace": workspace, "ids": list(payloads), "payloads": list(payloads.values()), "now": now}
    await session.execute(_PUT, fixed)


async def mark_refused_again(
    session: WriteSession, workspace: UUID, reasons: Sequence[tuple[str, str, str, str, bool]]
) -> None:
    """Say why items are still refused: id, code, pointer and detail of each, and whether its payload may stay.

    One that was taken meanwhile is left alone.
    """
    ids, codes, pointers, details, kept = ([reason[part] for reason in reasons] for part in range(5))
    said = {"workspace": workspace, "ids": ids, "codes": codes, "pointers": pointers, "details": details, "kept": kept}
    await session.execute(_SAY_WHY, said)


async def repair(session: WriteSession, workspace: UUID, item_id: str, payload: bytes) -> bool:
    """Put a repaired payload in place. False when there is no such item, or it was taken already."""
    mine = (rejected.c.workspace_id == workspace) & (rejected.c.id == item_id) & rejected.c.replayed_at.is_(None)
    statement = update(rejected).where(mine).values(payload=payload).returning(rejected.c.id)
    return (await session.execute(statement)).one_or_none() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow:
    """A hook to keep. ``created_at`` is in microseconds; ``secrets`` are sealed."""

    workspace_id: UUID
    prefix: str
    provider: str
    name: str
    digest: bytes
    secrets: bytes
    settings: dict[str, Any]
    created_at: int


async def add_hook(session: WriteSession, row: HookRow) -> None:
    """Keep a new hook."""
    await session.execute(insert(hook).values(**asdict(row)))


async def put_hook_secrets(session: WriteSession, workspace: UUID, prefix: str, digest: bytes, secrets: bytes) -> bool:
    """Put other secrets in place. False when there is no such hook that works."""
    mine = (hook.c.workspace_id == workspace) & (hook.c.prefix == prefix) & (hook.c.digest == digest)
    statement = update(hook).where(mine, hook.c.revoked_at.is_(None)).values(secrets=secrets)
    return (await session.execute(statement.returning(hook.c.prefix))).one_or_none() is not None


async def put_hook_settings(session: WriteSession, workspace: UUID, prefix: str, settings: Mapping[str, Any]) -> bool:
    """Put other settings in place. False when there is no such hook that works."""
    mine = (hook.c.workspace_id == workspace) & (hook.c.prefix == prefix) & hook.c.revoked_at.is_(None)
    statement = update(hook).where(mine).values(settings=dict(settings)).returning(hook.c.prefix)
    return (await session.execute(statement)).one_or_none() is not None


async def revoke_hook(session: WriteSession, workspace: UUID, prefix: str, now: int) -> bool:
    """End a hook at once. False when there is no such one that works."""
    mine = (hook.c.workspace_id == workspace) & (hook.c.prefix == prefix) & hook.c.revoked_at.is_(None)
    statement = update(hook).where(mine).values(revoked_at=now).returning(hook.c.prefix)
    return (await session.execute(statement)).one_or_none() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookToken:
    """What may be presented to a hook once, with which body, both as SHA-256. ``expires_at`` is in microseconds."""

    workspace: UUID
    prefix: str
    token: bytes
    body: bytes
    expires_at: int


_CLAIM: Final = """
    INSERT INTO ingest.hook_token AS kept (workspace_id, prefix, token, body, is_taken, expires_at)
    VALUES ($1, $2, $3, $4, false, $5)
    ON CONFLICT (workspace_id, prefix, token) DO UPDATE SET expires_at = kept.expires_at
    WHERE NOT kept.is_taken AND kept.body = excluded.body
    RETURNING 1
"""


async def claim_token(connection: Connection, row: HookToken) -> bool:
    """Keep it for this body. False when it was taken already, or is kept for another body."""
    claimed = (row.workspace, row.prefix, row.token, row.body, row.expires_at)
    return await connection.fetchval(_CLAIM, *claimed) is not None


_SPEND: Final = """
    UPDATE ingest.hook_token SET is_taken = true WHERE workspace_id = $1 AND prefix = $2 AND token = $3
"""


async def spend_token(connection: Connection, row: HookToken) -> None:
    """It was taken."""
    await connection.execute(_SPEND, row.workspace, row.prefix, row.token)


_EXPIRE_CLAIMED: Final = """
    WITH old AS (
        SELECT workspace_id, prefix, token FROM ingest.hook_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
    )
    DELETE FROM ingest.hook_token AS kept USING old
    WHERE kept.workspace_id = old.workspace_id AND kept.prefix = old.prefix AND kept.token = old.token
"""


async def expire_tokens(connection: Connection, now: int, limit: int) -> int:
    """Delete those whose time is over, ``limit`` at most; how many."""
    done = await connection.execute(_EXPIRE_CLAIMED, now, limit)
    return int(done.rpartition(" ")[2])


async def add_import(session: WriteSession, workspace: UUID, row: FileImport) -> None:
    """Keep a new import."""
    await session.execute(insert(file_import).values(workspace_id=workspace, **asdict(row)))


async def save_import(session: WriteSession, workspace: UUID, row: FileImport) -> None:
    """Say how far it is."""
    mine = (file_import.c.workspace_id == workspace) & (file_import.c.id == row.id)
    await session.execute(update(file_import).where(mine).values(**asdict(row)))


async def hold_schema(session: WriteSession, workspace: UUID, kind: str, mode: str | None, now: int) -> None:
    """Make the row of a kind's schema, or lock it, so that versions are given one at a time; a new one only warns."""
    row = {"workspace_id": workspace, "kind": kind, "mode": mode or "warn", "updated_at": now}
    changed = {"updated_at": now} | ({} if mode is None else {"mode": mode})
    statement = insert_or_update(kind_schema).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "kind"], set_=changed))


async def count_schemas(session: WriteSession, workspace: UUID) -> int:
    """For how many kinds the workspace has had schemas."""
    query = select(func.count()).select_from(kind_schema).where(kind_schema.c.workspace_id == workspace)
    return int((await session.execute(query)).scalar_one())


async def add_version(session: WriteSession, workspace: UUID, kind: str, version: int, document: str, now: int) -> None:
    """Keep a version for ever."""
    row = {"workspace_id": workspace, "kind": kind, "version": version, "document": document, "created_at": now}
    await session.execute(insert(schema_version).values(row))


async def put_in_force(session: WriteSession, workspace: UUID, kind: str, active: int | None) -> None:
    """Let a version be obeyed, or none."""
    mine = (kind_schema.c.workspace_id == workspace) & (kind_schema.c.kind == kind)
    await session.execute(update(kind_schema).where(mine).values(active=active))


@dataclass(frozen=True, slots=True, kw_only=True)
class Violations:
    """How often a place of a version was violated, with the latest that did. ``last_at`` is in microseconds."""

    workspace: UUID
    kind: str
    version: int
    place: str
    pointer: str
    detail: str
    item_id: str
    count: int
    last_at: int


_COUNT: Final = text("""
    INSERT INTO ingest.schema_violation AS kept
        (workspace_id, kind, version, place, pointer, detail, item_id, count, last_at)
    SELECT * FROM unnest(
        CAST(:workspaces AS uuid[]), CAST(:kinds AS text[]), CAST(:versions AS integer[]), CAST(:places AS text[]),
        CAST(:pointers AS text[]), CAST(:details AS text[]), CAST(:item_ids AS text[]), CAST(:counts AS bigint[]),
        CAST(:last_ats AS bigint[]))
    ON CONFLICT (workspace_id, kind, version, place) DO UPDATE
    SET pointer = excluded.pointer, detail = excluded.detail, item_id = excluded.item_id,
        count = kept.count + excluded.count, last_at = excluded.last_at
""")


async def count_violations(session: WriteSession, rows: Sequence[Violations]) -> None:
    """Add to what was counted, in one statement."""
    ordered = sorted(rows, key=lambda row: (row.workspace, row.kind, row.version, row.place))
    names = ("workspace", "kind", "version", "place", "pointer", "detail", "item_id", "count", "last_at")
    await session.execute(_COUNT, {f"{name}s": [getattr(row, name) for row in ordered] for name in names})
