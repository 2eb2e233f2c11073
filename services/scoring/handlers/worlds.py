"""Workspaces as the handlers see them: secret and parsed model, read in the batch's own transaction."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

import yaml

from services.scoring.domain.model import Model, parse
from services.scoring.store import worlds
from shared.database.connection import Connection


@dataclass(frozen=True, slots=True)
class World:
    """One workspace: the key of its hashes, and the model in force."""

    workspace: UUID
    secret: bytes
    model: Model

    def digest(self, touchpoint_id: str) -> bytes:
        """What is remembered of a touchpoint's id for ever; keyed, so that it names its workspace too."""
        return hashlib.blake2b(touchpoint_id.encode(), digest_size=16, key=self.secret[:64]).digest()


class Worlds:
    """Reads worlds, keeping parsed models (a version never changes)."""

    def __init__(self, template: str) -> None:
        self._default = parse(yaml.safe_load(template))
        self._parsed: dict[tuple[UUID, int], Model] = {}

    async def of(self, connection: Connection, workspaces: Collection[UUID]) -> dict[UUID, World]:
        """The worlds of those workspaces that exist, as of this transaction's statement."""
        found = await worlds.current(connection, workspaces)
        return {
            workspace: World(workspace, one.secret, await self._model(connection, workspace, one.model_version))
            for workspace, one in found.items()
        }

    async def _model(self, connection: Connection, workspace: UUID, version: int) -> Model:
        if not version:
            return self._default
        if (workspace, version) not in self._parsed:
            source = yaml.safe_load(await worlds.body(connection, workspace, version))
            self._parsed[workspace, version] = replace(parse(source), version=version)
        return self._parsed[workspace, version]
