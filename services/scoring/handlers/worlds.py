"""Workspaces as the handlers see them: secret and parsed models, read in the batch's own transaction."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from services.scoring.domain.identity import MOST_RUNS
from services.scoring.domain.model import Model, parse
from services.scoring.domain.model_file import loaded
from services.scoring.domain.timeline import TEMPLATE_VERSION, Timeline, timeline
from services.scoring.store import worlds
from shared.database.connection import Connection

Versions = tuple[tuple[int, int], ...]
"""Version and instant of publication of each published model."""


@dataclass(frozen=True, slots=True)
class World:
    """One workspace: the key of its hashes, its model's versions, and when a key is nobody's (see ``MOST_RUNS``)."""

    workspace: UUID
    secret: bytes
    timeline: Timeline
    most_runs: int = MOST_RUNS

    @property
    def model(self) -> Model:
        """The newest version. What it says of identity holds for all time."""
        return self.timeline.newest

    def digest(self, touchpoint_id: str) -> bytes:
        """What is remembered of a touchpoint's id for ever; keyed, so that it names its workspace too."""
        return hashlib.blake2b(touchpoint_id.encode(), digest_size=16, key=self.secret[:64]).digest()


class Worlds:
    """Reads worlds, keeping parsed models (a version never changes)."""

    def __init__(self, template: str, most_runs: int = MOST_RUNS) -> None:
        self._most_runs = most_runs
        self.template = template
        self._first = replace(parse(loaded(template)), version=TEMPLATE_VERSION)
        self._parsed: dict[tuple[UUID, int], Model] = {}
        self._timelines: dict[UUID, tuple[Versions, Timeline]] = {}

    async def of(self, connection: Connection, workspaces: Collection[UUID]) -> dict[UUID, World]:
        """The worlds of those workspaces that exist, as of this transaction's statement."""
        found = await worlds.current(connection, workspaces)
        return {
            workspace: World(
                workspace, one.secret, await self._timeline(connection, workspace, one.published), self._most_runs
            )
            for workspace, one in found.items()
        }

    async def _timeline(self, connection: Connection, workspace: UUID, published: Versions) -> Timeline:
        known = self._timelines.get(workspace)
        if known is None or known[0] != published:
            models = [(at, await self._model(connection, workspace, version)) for version, at in published]
            known = self._timelines[workspace] = published, timeline(self._first, models)
        return known[1]

    async def _model(self, connection: Connection, workspace: UUID, version: int) -> Model:
        if (workspace, version) not in self._parsed:
            body = await worlds.body(connection, workspace, version)
            self._parsed[workspace, version] = replace(parse(loaded(body)), version=version)
        return self._parsed[workspace, version]
