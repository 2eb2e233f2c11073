"""Keys as a service's door reads them: all at once, and again when a change is told."""

import asyncio
import contextlib
from collections.abc import Sequence

from shared.access import AccessKey
from shared.database.access import CHANGED, load_keys
from shared.database.engine import Connection, connect, create_engine
from shared.database.roles import Role
from shared.database.session import WriteSession
from shared.database.transient import is_transient, translated


class DatabaseAccess:
    """The port ``shared.access.AccessSource`` on the database. Connects on first use; ``close`` lets go."""

    def __init__(self, dsn: str, role: Role) -> None:
        self._dsn = dsn
        self._role = role
        self._engine = create_engine(dsn, role, size=1)
        self._listener: Connection | None = None
        self._changed = asyncio.Event()

    async def load(self) -> Sequence[AccessKey]:
        """All keys that are not revoked. Raises Transient when the database is away."""
        with translated():
            async with self._engine.begin() as connection:
                return await load_keys(WriteSession(connection))

    async def wait_changed(self, timeout_seconds: float) -> None:
        """Return when keys changed, or cannot be watched any more, at the latest after the timeout. Never raises."""
        await self._listen()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_seconds)
        self._changed.clear()

    async def close(self) -> None:
        """Close what is open."""
        if self._listener is not None:
            self._listener.remove_termination_listener(self._on_end)
            self._listener.terminate()
        await self._engine.dispose()

    async def _listen(self) -> None:
        """Watch for changes if possible; without a watch the timeout alone decides when to look again."""
        if self._listener is not None and not self._listener.is_closed():
            return
        try:
            connection = await connect(self._dsn, self._role)
            connection.add_termination_listener(self._on_end)
            await connection.add_listener(CHANGED, self._on_change)
        except Exception as error:
            if not is_transient(error):
                raise
        else:
            self._listener = connection

    def _on_change(self, *_args: object) -> None:
        self._changed.set()

    def _on_end(self, _connection: object) -> None:
        self._listener = None
        self._changed.set()
