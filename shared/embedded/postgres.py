"""The embedded PostgreSQL as a running server: started as our own child, believed only when it answers a real query."""

import signal
from asyncio.subprocess import Process
from typing import IO, Final

from shared.database.founding import found
from shared.database.pulse import Pulse, pulse
from shared.embedded.child import Answer, Program
from shared.embedded.cluster import DATABASE, LOGIN, Cluster
from shared.embedded.orphans import clear_server
from shared.embedded.process import spawn

_PROBE_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 8.0


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
    match await pulse(cluster.administrator_dsn(), _PROBE_SECONDS):
        case Pulse.ANSWERS:
            return Answer.READY
        case Pulse.RECOVERING:
            return Answer.BUSY
        case Pulse.SILENT:
            return Answer.SILENT


async def prepare(cluster: Cluster, database: str = DATABASE) -> None:
    """Make what is missing of the login, the roles and a database that belongs to their owner. Raises Transient."""
    dsn, password = cluster.administrator_dsn(), cluster.passwords[LOGIN]
    await found(dsn, login=LOGIN, password=password, database=database)
