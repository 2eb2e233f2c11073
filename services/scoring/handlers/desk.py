"""A reader's desk: one read-only transaction of one workspace, with all that is needed to answer from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from services.scoring.handlers.worlds import World, Worlds
from services.scoring.queries.driver import driver_of
from shared.database.connection import Connection, Engine
from shared.database.session import ReadSession, reading
from shared.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose leads are asked about, and where they are read. ``engine`` connects as the reader role."""

    engine: Engine
    worlds: Worlds
    workspace: UUID
    secret: bytes
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One transaction at one instant; ``connection`` is the driver below ``session``."""

    session: ReadSession
    connection: Connection
    world: World
    now: int

    @property
    def workspace(self) -> UUID:
        """Whose leads these are."""
        return self.world.workspace


@asynccontextmanager
async def opened(asker: Asker) -> AsyncIterator[Desk]:
    """A desk for the length of the block. Raises Transient when the database is away."""
    async with reading(asker.engine, asker.workspace) as session:
        connection = await driver_of(session)
        worlds = await asker.worlds.of(connection, {asker.workspace})
        if asker.workspace not in worlds:
            raise NotFound("the workspace of this key is gone")
        yield Desk(session=session, connection=connection, world=worlds[asker.workspace], now=asker.now)
