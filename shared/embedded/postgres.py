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
from shared.database.transient import is_transient, translated
from shared.embedded.child import Answer, Program
from shared.embedded.cluster import DATABASE, LOGIN, Cluster
from shared.embedded.orphans import clear_server
from shared.embedded.process import spawn, stop
from shared.errors import Misconfigured

_PROBE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 3.0


def postgres_program(cluster: Cluster) -> Program:
    """The server as a supervised program. It may recover for as long as it takes."""
    return Program(
        name="postgres",
        launch=lambda output: start(cluster, output),
        probe=lambda: probe_server(cluster),
        before=lambda: clear_server(cluster.data),
        patience_seconds=20.0,
        first_patience_seconds=None,
        end_signals=(signal.SIGINT, signal.SIGQUIT),
        grace_seconds=_STOP_SECONDS,
    )


@asynccontextmanager
async def running(cluster: Cluster, output: IO[bytes] | int = DEVNULL) -> AsyncIterator[str]:
    """Run the server while the block runs; gives the address of the login ``tragt``, whose database exists.

    Nothing restarts it here: a supervisor does.
    """
    await clear_server(cluster.data)
    process = await start(cluster, output)
    try:
        await _until_ready(cluster, process)
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


async def probe_server(cluster: Cluster) -> Answer:
    """Ask a real query. A server that is recovering answers that it is, and is let be."""
    try:
        await probe(cluster.administrator_dsn(), timeout_seconds=_PROBE_SECONDS)
    except asyncpg.CannotConnectNowError:
        return Answer.BUSY
    except Exception as error:
        if is_transient(error):
            return Answer.SILENT
        raise
    return Answer.READY


async def _until_ready(cluster: Cluster, process: Process) -> None:
    while await probe_server(cluster) is not Answer.READY:
        if process.returncode is not None:
            raise Misconfigured(f"PostgreSQL ended with {process.returncode} instead of starting in {cluster.data}")
        await asyncio.sleep(_PAUSE_SECONDS)


async def prepare(cluster: Cluster, database: str = DATABASE) -> None:
    """Make what is missing of the login, the roles and a database that belongs to their owner. Raises Transient."""
    with translated():
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
