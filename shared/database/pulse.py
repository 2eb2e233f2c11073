"""Whether a server is there: asked by a real query, believed only when it is answered."""

from enum import StrEnum

import asyncpg

from shared.database.transient import is_transient


class Pulse(StrEnum):
    """What a server answered."""

    ANSWERS = "answers"
    RECOVERING = "recovering"
    """It says that it is starting up, shutting down or recovering."""

    SILENT = "silent"


async def pulse(dsn: str, timeout_seconds: float) -> Pulse:
    """Ask one real query on a connection of its own. Raises only what asking again does not change."""
    try:
        connection = await asyncpg.connect(dsn, timeout=timeout_seconds, command_timeout=timeout_seconds)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()
    except asyncpg.CannotConnectNowError:
        return Pulse.RECOVERING
    except Exception as error:
        if is_transient(error):
            return Pulse.SILENT
        raise
    return Pulse.ANSWERS
