"""Database roles: who owns the tables, and per service who reads for people and who works on the stream.

The roles cannot log in. A service logs in with its own name, which is a member of them, and takes one on at connect.
They belong to the whole cluster of databases and so to no migration: ``ensure_roles`` makes those that are missing.
"""

from enum import StrEnum
from typing import Final

import asyncpg

SERVICES: Final = ("ingest", "scoring", "metrics")


class Role(StrEnum):
    """What a connection may do: readers see one workspace at a time, workers all rows of their service."""

    OWNER = "tragt_owner"
    INGEST_READER = "ingest_reader"
    INGEST_WORKER = "ingest_worker"
    SCORING_READER = "scoring_reader"
    SCORING_WORKER = "scoring_worker"
    METRICS_READER = "metrics_reader"
    METRICS_WORKER = "metrics_worker"


_WORKER_LIMITS: Final = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "transaction_timeout": "10s",
}
"""A stopped process must not keep its locks: the next owner of its partition waits on them."""

_READER_LIMITS: Final = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "default_transaction_isolation": "repeatable read",
}
"""A reader's answer may take several statements; they see one snapshot, and as nothing is written none can collide."""

_OWNER_LIMITS: Final = {"lock_timeout": "2s"}
"""A migration that waits for a lock makes everybody queue behind it; it gives up and is tried again instead."""


def limits(role: Role) -> dict[str, str]:
    """The server settings a connection of this role starts with."""
    if role is Role.OWNER:
        return dict(_OWNER_LIMITS)
    return dict(_READER_LIMITS if role.endswith("_reader") else _WORKER_LIMITS)


async def ensure_roles(connection: asyncpg.Connection, login: str) -> None:
    """Create the roles that are missing and let ``login`` take each of them on.

    Needs CREATEROLE only while something is missing. ``login`` must exist.
    """
    for role in Role:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        if not await _may_take(connection, login, role):
            await connection.execute(f"GRANT {role} TO {_quoted(login)}")


async def _may_take(connection: asyncpg.Connection, login: str, role: Role) -> bool:
    return bool(await connection.fetchval("SELECT pg_has_role($1, $2, 'SET')", login, role))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
