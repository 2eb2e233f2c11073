"""Connections to PostgreSQL: a pool of asyncpg for the hot paths, an engine of SQLAlchemy Core for everything else.

Both give the connection its role, timeouts and name at connect. Neither connects before it is used, so a service starts
while its database is away. Instants are ``bigint`` and JSON travels as text, so no codecs are registered.
"""

from typing import Any, Final, TypedDict

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database.roles import Role, limits

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 20.0
"""Longer than any server-side limit, so it only ever ends a wait for a peer that is gone."""

_RECYCLE_SECONDS: Final = 300
Connection = asyncpg.Connection
Pool = asyncpg.Pool


class _Options(TypedDict):
    timeout: float
    command_timeout: float | None
    server_settings: dict[str, str]


async def create_pool(dsn: str, role: Role, *, size: int = 4, command_seconds: float | None = COMMAND_SECONDS) -> Pool:
    """A pool of at most ``size`` connections that have taken on ``role``. Connects on first use, not now."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=_RECYCLE_SECONDS,
        **_options(role, command_seconds),
    )


def create_engine(dsn: str, role: Role, *, size: int = 5) -> AsyncEngine:
    """An engine of at most ``size`` connections that have taken on ``role``. Connects on first use, not now."""

    async def connect(*_args: Any, **_kwargs: Any) -> Connection:
        return await asyncpg.connect(dsn, **_options(role, COMMAND_SECONDS))

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_recycle=_RECYCLE_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,  # an error stands in the log, and they are people's data
    )


async def connect(dsn: str, role: Role | None = None, *, command_seconds: float | None = COMMAND_SECONDS) -> Connection:
    """One connection of its own, for a lock, a probe or a listener; without a role it stays the plain login."""
    return await asyncpg.connect(dsn, **_options(role, command_seconds))


def _options(role: Role | None, command_seconds: float | None) -> _Options:
    settings = {"application_name": f"tragt.{role or 'login'}", "TimeZone": "UTC"}
    if role is not None:
        settings |= {"role": role.value, **limits(role)}
    return _Options(timeout=CONNECT_SECONDS, command_timeout=command_seconds, server_settings=settings)
