"""The embedded PostgreSQL for the length of a block, without the supervisor that would start it again."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.embedded.child import Answer
from shared.embedded.cluster import Cluster
from shared.embedded.orphans import clear_server
from shared.embedded.postgres import prepare, probe_server, start
from shared.embedded.process import stop
from tests.waiting import eventually

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 5.0


@asynccontextmanager
async def running(cluster: Cluster) -> AsyncIterator[str]:
    """Run the server of the cluster; gives the address of the login ``tragt``, whose database exists."""
    await clear_server(cluster.data)
    process = await start(cluster, asyncio.subprocess.DEVNULL)
    try:
        await eventually(lambda: _is_ready(cluster, process), within_seconds=_START_SECONDS, what="PostgreSQL is ready")
        await prepare(cluster)
        yield cluster.dsn()
    finally:
        await stop(process, signal.SIGINT, _STOP_SECONDS, signal.SIGQUIT)


async def _is_ready(cluster: Cluster, process: Process) -> bool:
    assert process.returncode is None, f"the server ended with {process.returncode}"
    return await probe_server(cluster) is Answer.READY
