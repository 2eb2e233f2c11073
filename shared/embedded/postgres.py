"""The embedded PostgreSQL as a running server: started as our own child, believed only when it answers a real query."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Final

import asyncpg

from shared.database.engine import connect, probe
from shared.database.roles import Role, ensure_roles
from shared.database.transient import is_transient
from shared.embedded.cluster import DATABASE, LOGIN, Cluster
from shared.embedded.process import spawn, stop
from shared.errors import Misconfigured

_PROBE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 3.0


@asynccontextmanager
async def running(cluster: Cluster, output: IO[bytes] | int = DEVNULL) -> AsyncIterator[str]:
    """Run the server while the block runs; gives the address of the login ``tragt``, whose database exists.

    Nothing restarts it here: ``shared.embedded.supervisor`` does.
    """
    process = await start(cluster, output)
    try:
        await wait_until_ready(cluster, process)
        await prepare(cluster)
        yield cluster.dsn()
    finally:
        await stop(process, signal.SIGINT, _STOP_SECONDS, signal.SIGQUIT)


async def start(cluster: Cluster, output: IO[bytes] | int) -> Process:
    """Start the server. When we die it shuts down at once and recovers at its next start."""
    return await spawn(
        cluster.command,
        environment=cluster.environment,
        output=output,
        death_signal=signal.SIGQUIT,
        account=cluster.account,
    )


async def answers(cluster: Cluster) -> bool:
    """Whether a real query is answered now."""
    try:
        await probe(cluster.administrator_dsn(), timeout_seconds=_PROBE_SECONDS)
    except Exception as error:
        if is_transient(error):
            return False
        raise
    return True


async def wait_until_ready(cluster: Cluster, process: Process) -> None:
    """Wait for a real query to be answered, however long recovery takes. Raises Misconfigured when the server ends."""
    while not await answers(cluster):
        if process.returncode is not None:
            raise Misconfigured(f"PostgreSQL ended with {process.returncode} instead of starting in {cluster.data}")
        await asyncio.sleep(_PAUSE_SECONDS)


async def prepare(cluster: Cluster, database: str = DATABASE) -> None:
    """Make what is missing of the login, the roles and a database that belongs to their owner."""
    connection = await connect(cluster.administrator_dsn())
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", LOGIN):
            await connection.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{cluster.passwords[LOGIN]}'")
        await ensure_roles(connection, LOGIN)
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await _create_database(connection, database)
    finally:
        connection.terminate()


async def _create_database(connection: asyncpg.Connection, name: str) -> None:
    quoted = await connection.fetchval("SELECT quote_ident($1)", name)
    await connection.execute(f"CREATE DATABASE {quoted} OWNER {Role.OWNER}")
