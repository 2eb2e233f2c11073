"""Databases for the benchmark: the product's own PostgreSQL with fsync on, a fresh migrated database per run."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from shared.database.migrate import upgrade
from shared.embedded.cluster import Cluster, open_cluster
from shared.embedded.postgres import prepare
from tests.embedded_server import running

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    cluster: Cluster

    async def fresh(self) -> str:
        """The address of a new migrated database."""
        name = f"bench_{next(_NUMBERS)}"
        await prepare(self.cluster, name)
        await upgrade(self.cluster.dsn(name))
        return self.cluster.dsn(name)


@asynccontextmanager
async def bench_server() -> AsyncIterator[Server]:
    """A server in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tragt-bench-") as name:
        folder = readable_by_all(Path(name))
        async with running(cluster := open_cluster(folder / "database", lambda _line: None)):
            yield Server(cluster)


def readable_by_all(folder: Path) -> Path:
    """The folder, into which the server's unprivileged account may look."""
    folder.chmod(0o755)
    return folder
