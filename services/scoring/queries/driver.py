"""The driver below a session, for statements that the stores keep as text."""

from typing import cast

from shared.database.connection import Connection
from shared.database.session import ReadSession


async def driver_of(session: ReadSession) -> Connection:
    """The session's own connection, inside its transaction. It must not outlive the session."""
    raw = await session.get_raw_connection()
    return cast("Connection", raw.driver_connection)
