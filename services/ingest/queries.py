"""Reads of ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from services.ingest.domain.file_import import FileImport, State
from services.ingest.tables import file_import, hook, kind_schema, rejected, schema_version, schema_violation
from shared.database.session import ReadSession, WriteSession
from shared.database.tables import workspace as workspace_table


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptItem:
    """A refused item as kept. Instants are microseconds; ``payload`` is None where it was not asked for."""

    id: str
    code: str
    pointer: str
    detail: str
    protocol: str
    refused_by: str
    key: str
    received_at: int
    replayed_at: int | None
    payload: bytes | None = None


_COLUMNS = (
    rejected.c.id,
    rejected.c.code,
    rejected.c.pointer,
    rejected.c.detail,
    rejected.c.protocol,
    rejected.c.refused_by,
    rejected.c.key,
    rejected.c.received_at,
    rejected.c.replayed_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which refused items; None is any. Instants are microseconds, ``since`` is within and ``until`` is not."""

    id: str | None = None
    code: str | None = None
    protocol: str | None = None
    """As rows name it, or without the call: ``segment`` is ``segment.track`` too."""

    refused_by: str | None = None
    key: str | None = None
    """The prefix of the key that it came with."""

    since: int | None = None
    until: int | None = None
    waiting: bool | None = None
    """Whether it waits to be taken, else was taken since."""

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """Those that hold of each of them."""
        found: list[ColumnElement[bool]] = []
        if self.code is not None:
            found.append(rejected.c.code == self.code)
        if self.id is not None:
            found.append(rejected.c.id == self.id)
        if self.key is not None:
            found.append(rejected.c.key == self.key)
        if self.refused_by is not None:
            found.append(rejected.c.refused_by == self.refused_by)
        if self.protocol is not None:
            calls = rejected.c.protocol.startswith(f"{self.protocol}.", autoescape=True)
            found.append(or_(rejected.c.protocol == self.protocol, calls))
        if self.since is not None:
            found.append(rejected.c.received_at >= self.since)
        if self.until is not None:
            found.append(rejected.c.received_at < self.until)
        if self.waiting is not None:
            found.append(rejected.c.replayed_at.is_(None) if self.waiting else rejected.c.replayed_at.is_not(None))
        return found


async def list_rejected(
    session: ReadSession,
    workspace: UUID,
    which: Which,
    *,
    before: tuple[int, str] | None,
    limit: int,
    with_payload: bool = False,
) -> Sequence[KeptItem]:
    """Refused items, latest first, from before a place in that order on."""
    columns = (*_COLUMNS, rejected.c.payload) if with_payload else _COLUMNS
    query = select(*columns).where(rejected.c.workspace_id == workspace, *which.conditions())
    if before is not None:
        query = query.where(tuple_(rejected.c.received_at, rejected.c.id) < before)
    query = query.order_by(rejected.c.received_at.desc(), rejected.c.id.desc()).limit(limit)
    return [KeptItem(**row) for row in (await session.execute(query)).mappings()]


async def find_rejected(session: ReadSession, workspace: UUID, item_id: str) -> KeptItem | None:
    """One refused item with its payload."""
    query = select(*_COLUMNS, rejected.c.payload).where(rejected.c.workspace_id == workspace, rejected.c.id == item_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else KeptItem(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHook:
    """A hook as kept, with what is needed of its workspace. Instants are microseconds; ``secrets`` are sealed."""

    prefix: str
    workspace: UUID
    workspace_name: str
    workspace_secret: bytes = field(repr=False)
    policy: str
    provider: str
    name: str
    digest: bytes
    secrets: bytes
    settings: dict[str, Any]
    created_at: int
    revoked_at: int | None


_WITH_WORKSPACE = select(
    hook.c.prefix,
    hook.c.workspace_id.label("workspace"),
    workspace_table.c.name.label("workspace_name"),
    workspace_table.c.secret.label("workspace_secret"),
    workspace_table.c.policy,
    hook.c.provider,
    hook.c.name,
    hook.c.digest,
    hook.c.secrets,
    hook.c.settings,
    hook.c.created_at,
    hook.c.revoked_at,
).select_from(hook.join(workspace_table, workspace_table.c.id == hook.c.workspace_id))


async def load_hooks(session: WriteSession) -> Sequence[KeptHook]:
    """Every hook that was not revoked, of all workspaces, for the memory of a door."""
    rows = await session.execute(_WITH_WORKSPACE.where(hook.c.revoked_at.is_(None)))
    return [KeptHook(**row) for row in rows.mappings()]


async def find_hooks(session: WriteSession, prefixes: Sequence[str]) -> Sequence[KeptHook]:
    """Those of the hooks, of all workspaces, that are there and were not revoked."""
    rows = await session.execute(_WITH_WORKSPACE.where(hook.c.prefix.in_(prefixes), hook.c.revoked_at.is_(None)))
    return [KeptHook(**row) for row in rows.mappings()]


async def list_hooks(session: ReadSession | WriteSession, workspace: UUID) -> Sequence[KeptHook]:
    """All hooks the workspace ever had, oldest first."""
    mine = _WITH_WORKSPACE.where(hook.c.workspace_id == workspace)
    rows = await session.execute(mine.order_by(hook.c.created_at, hook.c.prefix))
    return [KeptHook(**row) for row in rows.mappings()]


_IMPORT = select(*(column for column in file_import.c if column.name != "workspace_id"))


async def find_import(session: ReadSession | WriteSession, workspace: UUID, import_id: str) -> FileImport | None:
    """One import."""
    query = _IMPORT.where(file_import.c.workspace_id == workspace, file_import.c.id == import_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else FileImport(**row)


async def find_same_import(session: WriteSession, workspace: UUID, job: FileImport) -> str:
    """The latest import that took the same rows in the same way, empty when there is none."""
    query = select(file_import.c.id).where(
        file_import.c.workspace_id == workspace,
        file_import.c.id != job.id,
        file_import.c.state == State.DONE,
        ~file_import.c.is_dry_run,
        file_import.c.row_count == job.row_count,
        file_import.c.accepted_count == job.accepted_count,
        file_import.c.read_so_far == job.read_so_far,
        file_import.c.mapping.is_not_distinct_from(job.mapping),
    )
    query = query.order_by(file_import.c.created_at.desc()).limit(1)
    return (await session.execute(query)).scalar_one_or_none() or ""


async def count_taken(session: WriteSession, workspace: UUID, ids: Sequence[str]) -> int:
    """How many of the refused items of these ids were taken since."""
    query = select(func.count()).where(
        rejected.c.workspace_id == workspace, rejected.c.id.in_(ids), rejected.c.replayed_at.is_not(None)
    )
    return int((await session.execute(query)).scalar_one())


async def find_imports(session: WriteSession, workspace: UUID, ids: Sequence[str]) -> Sequence[FileImport]:
    """Those of the imports that are there."""
    query = _IMPORT.where(file_import.c.workspace_id == workspace, file_import.c.id.in_(ids))
    return [FileImport(**row) for row in (await session.execute(query)).mappings()]


async def list_imports(session: ReadSession, workspace: UUID, limit: int) -> Sequence[FileImport]:
    """The latest imports, the last first."""
    query = _IMPORT.where(file_import.c.workspace_id == workspace)
    query = query.order_by(file_import.c.created_at.desc(), file_import.c.id.desc()).limit(limit)
    return [FileImport(**row) for row in (await session.execute(query)).mappings()]


SchemaKey = tuple[UUID, str, int]
"""A version of a schema: workspace, kind, number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSchema:
    """What is in force for a kind, and how many versions there are. ``updated_at`` is in microseconds."""

    kind: str
    mode: str
    active: int | None
    versions: int
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVersion:
    """A version as it was published, its document as JSON."""

    version: int
    document: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptViolation:
    """How often a place of a version was violated by what was taken, and the latest touchpoint that did."""

    version: int
    place: str
    pointer: str
    detail: str
    item_id: str
    count: int
    last_at: int


async def load_schemas(session: WriteSession) -> Mapping[SchemaKey, str]:
    """Every version that is in force, of all workspaces, with its mode."""
    query = select(kind_schema.c.workspace_id, kind_schema.c.kind, kind_schema.c.active, kind_schema.c.mode)
    rows = await session.execute(query.where(kind_schema.c.active.is_not(None)))
    return {(row.workspace_id, row.kind, row.active): row.mode for row in rows}


async def load_documents(session: WriteSession, which: Sequence[SchemaKey]) -> Mapping[SchemaKey, str]:
    """The documents of these versions."""
    key = tuple_(schema_version.c.workspace_id, schema_version.c.kind, schema_version.c.version)
    rows = await session.execute(select(schema_version).where(key.in_(which)))
    return {(row.workspace_id, row.kind, row.version): row.document for row in rows}


async def list_schemas(session: ReadSession | WriteSession, workspace: UUID) -> Sequence[KeptSchema]:
    """All kinds that ever had a schema, by name."""
    of_kind = (schema_version.c.workspace_id == kind_schema.c.workspace_id) & (
        schema_version.c.kind == kind_schema.c.kind
    )
    versions = select(func.count()).where(of_kind).correlate(kind_schema).scalar_subquery().label("versions")
    columns = (kind_schema.c.kind, kind_schema.c.mode, kind_schema.c.active, kind_schema.c.updated_at, versions)
    rows = await session.execute(
        select(*columns).where(kind_schema.c.workspace_id == workspace).order_by(kind_schema.c.kind)
    )
    return [KeptSchema(**row) for row in rows.mappings()]


async def list_versions(session: ReadSession | WriteSession, workspace: UUID, kind: str) -> Sequence[KeptVersion]:
    """All versions of a kind's schema, the latest first."""
    columns = (schema_version.c.version, schema_version.c.document, schema_version.c.created_at)
    mine = (schema_version.c.workspace_id == workspace) & (schema_version.c.kind == kind)
    rows = await session.execute(select(*columns).where(mine).order_by(schema_version.c.version.desc()))
    return [KeptVersion(**row) for row in rows.mappings()]


async def list_violations(session: ReadSession, workspace: UUID, kind: str) -> Sequence[KeptViolation]:
    """What was taken of a kind although it violated its schema, the most frequent of the latest version first."""
    columns = (column for column in schema_violation.c if column.name not in {"workspace_id", "kind"})
    mine = (schema_violation.c.workspace_id == workspace) & (schema_violation.c.kind == kind)
    order = (schema_violation.c.version.desc(), schema_violation.c["count"].desc(), schema_violation.c.place)
    rows = await session.execute(select(*columns).where(mine).order_by(*order).limit(_MAX_VIOLATIONS))
    return [KeptViolation(**row) for row in rows.mappings()]


_MAX_VIOLATIONS = 200
