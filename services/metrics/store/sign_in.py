"""Sign-in of the page: a link that works once is changed for a session. Only digests are kept."""

import hashlib
import secrets
from typing import Final
from uuid import UUID

from shared.clock import DAY
from shared.database.connection import Connection

LINK_LASTS: Final = DAY
SESSION_LASTS: Final = 7 * DAY

_LINK: Final = "link"
_SESSION: Final = "session"
_INSERT: Final = "INSERT INTO metrics.sign_in (digest, workspace_id, kind, expires_at) VALUES ($1, $2, $3, $4)"
_REDEEM: Final = """
    DELETE FROM metrics.sign_in WHERE digest = $1 AND kind = $2 AND expires_at > $3 RETURNING workspace_id
"""
_FIND: Final = "SELECT workspace_id FROM metrics.sign_in WHERE digest = $1 AND kind = $2 AND expires_at > $3"
_FORGET: Final = "DELETE FROM metrics.sign_in WHERE workspace_id IS NOT NULL AND expires_at <= $1"


async def create_link(connection: Connection, workspace: UUID, now: int) -> str:
    """The token of a new link into a workspace: ``/sign-in?token=...``, good once, for a day."""
    return await _create(connection, workspace, _LINK, now + LINK_LASTS)


async def redeem(connection: Connection, token: str, now: int) -> str | None:
    """The token of a new session for that of a link; None when the link was used, has expired or never was."""
    workspace: UUID | None = await connection.fetchval(_REDEEM, _digest(token), _LINK, now)
    return None if workspace is None else await _create(connection, workspace, _SESSION, now + SESSION_LASTS)


async def workspace_of(connection: Connection, session: str, now: int) -> UUID | None:
    """The workspace a session may see; None when it has expired or never was."""
    workspace: UUID | None = await connection.fetchval(_FIND, _digest(session), _SESSION, now)
    return workspace


async def forget_expired(connection: Connection, now: int) -> None:
    """Drop links and sessions that are over."""
    await connection.execute(_FORGET, now)


async def _create(connection: Connection, workspace: UUID, kind: str, expires_at: int) -> str:
    token = secrets.token_urlsafe(32)
    await connection.execute(_INSERT, _digest(token), workspace, kind, expires_at)
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
