"""Schemas of a workspace: published, put in force, tried, told."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.ingest import store
from services.ingest.domain.kind import is_kind
from services.ingest.domain.schema import (
    InForce,
    InvalidSchema,
    Mode,
    Schema,
    Violation,
    check_together,
    read_schema,
    read_written,
    written,
)
from services.ingest.protocols.outcome import Schemas
from services.ingest.queries import KeptSchema, SchemaKey, list_schemas, list_versions, load_documents
from shared.access import Principal
from shared.clock import Clock
from shared.database.connection import Engine
from shared.database.session import WriteSession, writing
from shared.errors import Conflict, FieldFault, InvalidRequest, NotFound
from shared.vocabulary import Code

_MAX_KINDS: Final = 500
_MAX_VERSIONS: Final = 1_000
_NONE: Final = "this kind has no schema: `tragt schemas list` shows those there are"


@dataclass(frozen=True, slots=True)
class SchemaRegistry:
    """The schemas of all workspaces."""

    engine: Engine
    clock: Clock

    async def publish(self, who: Principal, kind: str, document: Mapping[str, Any], mode: Mode | None) -> KeptSchema:
        """Put a new version in force; the latest one again makes no other. Without a mode it stays, and warns at first.

        Raises InvalidRequest, Conflict, Transient.
        """
        if not is_kind(kind):
            raise InvalidRequest(FieldFault("/kind", "invalid_kind", "a kind is lower case words joined by _"))
        _read(document)
        text = _written(document)
        async with writing(self.engine) as session:
            await store.hold_schema(session, who.workspace, kind, mode, self.clock.now())
            if await store.count_schemas(session, who.workspace) > _MAX_KINDS:
                raise Conflict(f"a workspace has schemas for at most {_MAX_KINDS} kinds")
            versions = await list_versions(session, who.workspace, kind)
            number = versions[0].version if versions else 0
            if not versions or versions[0].document != text:
                number += 1
                if number > _MAX_VERSIONS:
                    raise Conflict(f"a schema has at most {_MAX_VERSIONS} versions")
                await store.add_version(session, who.workspace, kind, number, text, self.clock.now())
            await store.put_in_force(session, who.workspace, kind, number)
            await _check_together(session, who)
            return await _found(session, who, kind)

    async def change(
        self, who: Principal, kind: str, mode: Mode | None, active: int | None, *, is_retired: bool
    ) -> KeptSchema:
        """Another mode, another version, or none any more. Raises NotFound, Conflict, Transient."""
        async with writing(self.engine) as session:
            await _found(session, who, kind)
            await store.hold_schema(session, who.workspace, kind, mode, self.clock.now())
            if is_retired:
                await store.put_in_force(session, who.workspace, kind, None)
            elif active is not None:
                if all(one.version != active for one in await list_versions(session, who.workspace, kind)):
                    raise NotFound("the schema of this kind has no such version")
                await store.put_in_force(session, who.workspace, kind, active)
                await _check_together(session, who)
            return await _found(session, who, kind)

    async def attempt(
        self, who: Principal, kind: str, document: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]
    ) -> list[list[Violation]]:
        """The violations of each sample, by a document that is not published, or without one by the version in force.

        Raises InvalidRequest, NotFound, Transient.
        """
        schema = _read(document) if document else await self._in_force(who, kind)
        try:
            return [schema.violations(sample.get("properties") or {}, sample.get("traits") or {}) for sample in samples]
        except UnicodeEncodeError:
            fault = FieldFault("/touchpoints", Code.INVALID_TEXT, "text with half of a surrogate pair")
            raise InvalidRequest(fault) from None

    async def _in_force(self, who: Principal, kind: str) -> Schema:
        async with writing(self.engine) as session:
            active = (await _found(session, who, kind)).active
            versions = await list_versions(session, who.workspace, kind)
        text = next((one.document for one in versions if one.version == active), None)
        if text is None:
            raise NotFound("no version of this kind's schema is in force")
        return read_written(text)


async def _found(session: WriteSession, who: Principal, kind: str) -> KeptSchema:
    found = next((one for one in await list_schemas(session, who.workspace) if one.kind == kind), None)
    if found is None:
        raise NotFound(_NONE)
    return found


async def in_force(session: WriteSession, workspace: UUID) -> Schemas:
    """What is in force in a workspace, by kind, without what is no schema any more. Raises Transient."""
    modes = await _modes(session, workspace)
    found = {}
    for key, document in (await load_documents(session, list(modes))).items():
        with suppress(InvalidSchema):
            _, kind, version = key
            found[kind] = InForce(version, modes[key], read_written(document))
    return found


async def _check_together(session: WriteSession, who: Principal) -> None:
    """Raise Conflict when too much is in force now."""
    modes = await _modes(session, who.workspace)
    try:
        check_together((await load_documents(session, list(modes))).values())
    except InvalidSchema as error:
        raise Conflict(str(error)) from None


async def _modes(session: WriteSession, workspace: UUID) -> Mapping[SchemaKey, Mode]:
    listed = await list_schemas(session, workspace)
    return {(workspace, one.kind, one.active): Mode(one.mode) for one in listed if one.active is not None}


def _read(document: Mapping[str, Any]) -> Schema:
    try:
        _written(document)
        return read_schema(document)
    except InvalidSchema as error:
        raise InvalidRequest(FieldFault(error.pointer, "invalid_schema", str(error))) from None


def _written(document: Mapping[str, Any]) -> str:
    try:
        return written(document)
    except InvalidSchema as error:
        raise InvalidRequest(FieldFault(error.pointer, "invalid_schema", str(error))) from None
