"""Schemas from memory, so that the door asks no database per request and goes on when it is away."""

import asyncio
from typing import Final
from uuid import UUID

import structlog

from services.ingest.domain.schema import InForce, InvalidSchema, Mode, Schema, read_written
from services.ingest.handlers.schema_tally import SchemaTally
from services.ingest.protocols.outcome import Schemas
from services.ingest.queries import SchemaKey, load_documents, load_schemas
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import Transient, Unavailable

_RELOAD_SECONDS: Final = 1.0


class SchemaCache:
    """What is in force in every workspace. ``run`` keeps it fresh and writes what was tallied; ``of`` never waits.

    A version never changes, so each is read and made ready once.
    """

    def __init__(self, engine: Engine) -> None:
        self.tally = SchemaTally(engine)
        self._engine = engine
        self._log = structlog.get_logger("schemas")
        self._ready: dict[SchemaKey, Schema | None] = {}
        self._in_force: dict[UUID, dict[str, InForce]] | None = None
        self._is_stale = False

    async def run(self) -> None:
        """Read what is in force again and again, until cancelled. An outage is logged once and waited out."""
        while True:
            try:
                await self.load()
                await self.tally.flush()
                self._is_stale = False
            except Transient as error:
                if not self._is_stale:
                    self._log.warning("schemas.stale", reason=str(error), known=self._in_force is not None)
                self._is_stale = True
            await asyncio.sleep(_RELOAD_SECONDS)

    async def load(self) -> None:
        """Read what is in force once. Raises Transient."""
        async with writing(self._engine) as session:
            modes = await load_schemas(session)
            unknown = [key for key in modes if key not in self._ready]
            documents = await load_documents(session, unknown) if unknown else {}
        self._ready = {key: self._ready[key] for key in modes if key in self._ready}
        for key, document in documents.items():
            self._ready[key] = self._made_ready(key, document)
            await asyncio.sleep(0)
        found: dict[UUID, dict[str, InForce]] = {}
        for (workspace, kind, version), schema in self._ready.items():
            if schema is not None:
                mode = Mode(modes[workspace, kind, version])
                found.setdefault(workspace, {})[kind] = InForce(version, mode, schema)
        self._in_force = found

    async def check(self) -> None:
        """Raises Unavailable until they were read once."""
        if self._in_force is None:
            raise Unavailable("the schemas have not been read from the database yet; send it again")

    def of(self, workspace: UUID) -> Schemas | None:
        """What is in force in a workspace, None when nothing is. Raises Unavailable when none were read yet."""
        if self._in_force is None:
            raise Unavailable("the schemas have not been read from the database yet; send it again")
        return self._in_force.get(workspace)

    def _made_ready(self, key: SchemaKey, document: str) -> Schema | None:
        """None for one that was good when it was published and is no more: a fault of ours, told and passed over."""
        try:
            return read_written(document)
        except InvalidSchema as error:
            self._log.error("schemas.unusable", workspace=str(key[0]), kind=key[1], version=key[2], reason=str(error))
            return None
