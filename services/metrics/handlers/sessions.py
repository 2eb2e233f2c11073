"""Sessions of the page, remembered for a while so that a page that follows live totals asks no database."""

from typing import Final
from uuid import UUID

from services.metrics.store import sign_in
from shared.clock import MINUTE, Clock
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Unauthenticated

REMEMBERED_FOR: Final = MINUTE
_MOST_REMEMBERED: Final = 1_000


class Sessions:
    """Begins and checks sessions. ``pool`` works on all workspaces: whose a session is, is what is looked up."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._remembered: dict[str, tuple[UUID, int]] = {}

    async def begin(self, link: str) -> str:
        """A session for a link, which is used up. Raises Unauthenticated, Transient."""
        async with borrowed(self._pool) as connection, connection.transaction():
            session = await sign_in.redeem(connection, link, self._clock.now())
        if session is None:
            raise Unauthenticated("this sign-in link was used before or has expired; tragt status prints a new one")
        return session

    async def workspace_of(self, session: str) -> UUID:
        """The workspace a session may see. Raises Unauthenticated, Transient."""
        now = self._clock.now()
        known = self._remembered.get(session)
        if known is not None and now - known[1] < REMEMBERED_FOR:
            return known[0]
        workspace = None
        if session:
            async with borrowed(self._pool) as connection:
                workspace = await sign_in.workspace_of(connection, session, now)
        if workspace is None:
            raise Unauthenticated("send a key, or open the sign-in link that tragt up printed")
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[session] = (workspace, now)
        return workspace
