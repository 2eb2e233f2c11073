"""What must be there before the services start: free ports, a database at the present schema, the log's topics."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from typing import Final

from services.cli.layout import HOST, Ports
from shared.database.migrate import upgrade
from shared.database.roles import Role
from shared.errors import Misconfigured, Transient
from shared.settings import LogSettings
from shared.streaming.connect import ensure_topics, open_log

_RETRY_SECONDS: Final = 1.0
_PORT_SECONDS: Final = 5.0
_PORT_PAUSE_SECONDS: Final = 0.1


async def free_ports(ports: Ports) -> None:
    """Wait a moment for ports that a dying instance still holds. Raises Misconfigured when one stays taken."""
    deadline = asyncio.get_running_loop().time() + _PORT_SECONDS
    for service, port in asdict(ports).items():
        while not is_free(port):
            if asyncio.get_running_loop().time() > deadline:
                raise Misconfigured(
                    f"port {port}, meant for {service}, is taken: choose three free ones with --ports or TRAGT_PORTS"
                )
            await asyncio.sleep(_PORT_PAUSE_SECONDS)


async def prepare_database(dsn: str, say: Callable[[str], None]) -> None:
    """Bring the database to the present schema, waiting for it as long as it is away."""
    await retrying(lambda: upgrade(dsn), say)


async def prepare_log(settings: LogSettings, say: Callable[[str], None]) -> None:
    """Create the topics that are missing, waiting for the log as long as it is away. Raises Misconfigured."""

    async def ensure() -> None:
        admin = open_log(settings, Role.INGEST_WORKER).admin()
        try:
            await ensure_topics(admin)
        finally:
            await admin.close()

    await retrying(ensure, say)


async def retrying(work: Callable[[], Awaitable[None]], say: Callable[[str], None]) -> None:
    """Do it again until it is not Transient; the reason is said once."""
    told = ""
    while True:
        try:
            return await work()
        except Transient as error:
            if str(error) != told:
                told = str(error)
                say(f"waiting: {told}")
            await asyncio.sleep(_RETRY_SECONDS)


def is_free(port: int) -> bool:
    """Whether we could listen there now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True
