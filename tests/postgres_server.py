"""A real PostgreSQL 18 for tests: the binaries of an installed package as own child process, in a folder of its own.

Commits are not synced to disk: these tests ask what a transaction does, not what survives a power cut. Chaos tests use
the product's supervisor, where ``fsync`` is on.
"""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.embedded.account import identity, unprivileged_account
from shared.embedded.binaries import find_binaries
from tests.waiting import wait_until

_SHELF: Final = Path("/var/lib/tragt")
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "log_min_messages": "fatal",
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, reached over a socket in ``folder``."""

    programs: Path
    folder: Path

    def dsn(self, database: str, user: str = "postgres") -> str:
        """Where ``database`` is, as this user."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def schema_of(self, database: str) -> list[str]:
        """Everything but the rows, as statements in a stable order: tables, keys, indexes, policies, grants, owners."""
        command = [str(self.programs / "pg_dump"), "--schema-only", "--dbname", self.dsn(database)]
        dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [line for line in dump.splitlines() if line and not line.startswith(("--", "\\"))]

    def run_sql(self, database: str, statement: str) -> None:
        """Run one statement as the administrator, outside of a transaction."""
        self._psql(database, ["--command", statement], {})

    def run_file(self, database: str, path: Path, environment: dict[str, str]) -> None:
        """Run a script as the administrator's psql would."""
        self._psql(database, ["--file", str(path)], environment)

    def _psql(self, database: str, arguments: list[str], environment: dict[str, str]) -> None:
        command = [str(self.programs / "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=on", self.dsn(database)]
        subprocess.run([*command, *arguments], check=True, capture_output=True, env=environment)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server with an empty cluster; stop it and delete everything at the end."""
    account = unprivileged_account()
    programs = find_binaries(account, _SHELF)
    folder = Path(tempfile.mkdtemp(prefix="tragt-pg-"))
    if account is not None:
        account.own(folder)
    data = folder / "data"
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **identity(account))
    options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    server: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *options]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(server, stdout=log, stderr=subprocess.STDOUT, cwd=folder, **identity(account))
    try:
        wait_until(lambda: _answers(programs, folder), within_seconds=30, what=f"PostgreSQL in {folder}")
        yield PostgresServer(programs, folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(programs: Path, folder: Path) -> bool:
    return subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode == 0
