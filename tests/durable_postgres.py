"""A real PostgreSQL that may be killed: commits are on disk when acknowledged, and it starts again on its data."""

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from shared.database.migrate import upgrade
from shared.database.roles import Role, ensure_roles
from shared.embedded.account import Account, identity, unprivileged_account
from shared.embedded.binaries import find_binaries
from tests.waiting import wait_until

_LOGIN: Final = "tragt"
_SHELF: Final = Path("/var/lib/tragt")
_SETTINGS: Final = ("--listen_addresses=", "--max_connections=200", "--shared_buffers=64MB", "--log_min_messages=fatal")


class DurablePostgres:
    """One server in a folder of its own, with a migrated database ``tragt``."""

    def __init__(self, folder: Path, programs: Path, account: Account | None) -> None:
        self._folder = folder
        self._programs = programs
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        initdb = [str(programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync"]
        command = [*initdb, "-E", "UTF8", "--locale=C"]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **identity(account))

    @property
    def dsn(self) -> str:
        """For a service."""
        return f"postgresql://{_LOGIN}@/tragt?host={self._folder}"

    @property
    def admin_dsn(self) -> str:
        """For looking at everything."""
        return f"postgresql://postgres@/tragt?host={self._folder}"

    def start(self) -> None:
        """Start it and wait until it answers a query."""
        self.launch()
        wait_until(self._answers, within_seconds=30, what=f"PostgreSQL in {self._folder}")

    def launch(self) -> None:
        """Start it without waiting."""
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder), *_SETTINGS]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self._folder, **identity(self._account)
            )

    def kill(self) -> None:
        """``kill -9`` of the server and all its children at once."""
        if self._process is None:
            return
        family = self._family()
        for process in family:
            process.kill()
        self._process.wait(20)
        psutil.wait_procs(family, 20)
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP of the server and all its children: connections stay open and nobody answers."""
        family = self._family()
        for process in family:
            process.send_signal(signal.SIGSTOP)
        wait_until(lambda: all(map(_stands_still, family)), within_seconds=10, what="PostgreSQL stands still")

    def thaw(self) -> None:
        """SIGCONT."""
        for process in self._family():
            process.send_signal(signal.SIGCONT)

    async def prepare(self) -> None:
        """Make roles, login and the migrated database."""
        administrator = await asyncpg.connect(f"postgresql://postgres@/postgres?host={self._folder}")
        try:
            await administrator.execute(f"CREATE ROLE {_LOGIN} LOGIN")
            await ensure_roles(administrator, _LOGIN)
            await administrator.execute(f"CREATE DATABASE tragt OWNER {Role.OWNER}")
        finally:
            await administrator.close()
        await upgrade(self.dsn)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _family(self) -> list[psutil.Process]:
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def _answers(self) -> bool:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder)]
        return subprocess.run(ready, check=False).returncode == 0


def _stands_still(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}


@contextmanager
def running_postgres() -> Iterator[DurablePostgres]:
    """A started, migrated server; stopped and deleted at the end."""
    account = unprivileged_account()
    folder = Path(tempfile.mkdtemp(prefix="tragt-durable-"))
    if account is not None:
        account.own(folder)
    server = DurablePostgres(folder, find_binaries(account, _SHELF), account)
    try:
        server.start()
        asyncio.run(server.prepare())
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
