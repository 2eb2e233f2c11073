"""A PostgreSQL cluster in a folder: where its parts lie, how it is made, and how it is reached."""

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from shared.embedded.account import Account, can_reach, identity, unprivileged_account
from shared.embedded.binaries import find_binaries
from shared.embedded.socket_folder import make_socket_folder
from shared.errors import Misconfigured

LOGIN: Final = "tragt"
DATABASE: Final = "tragt"
_ADMINISTRATOR: Final = "administrator"
SHELF: Final = Path("/var/lib/tragt")
"""Where things go that the unprivileged account cannot reach in our own folders."""

_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "update_process_title": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that has been made. ``home`` holds its data, its socket and its passwords."""

    home: Path
    binaries: Path
    account: Account | None
    sockets: Path
    passwords: dict[str, str] = field(repr=False)

    @property
    def data(self) -> Path:
        """The data folder of PostgreSQL."""
        return self.home / "data"

    @property
    def command(self) -> list[str]:
        """What starts the server in the foreground."""
        settings = _SETTINGS | {"unix_socket_directories": str(self.sockets)}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *flags]

    @property
    def environment(self) -> dict[str, str]:
        """All that the server needs of an environment."""
        return dict(_ENVIRONMENT)

    def dsn(self, database: str = DATABASE) -> str:
        """The address for services: an ordinary login without privileges of its own."""
        return self._address(LOGIN, database)

    def administrator_dsn(self, database: str = "postgres") -> str:
        """The address of the superuser, for making databases and roles only: row-level security does not bind it."""
        return self._address(_ADMINISTRATOR, database)

    def _address(self, login: str, database: str) -> str:
        folder = quote(str(self.sockets), safe="")
        return f"postgresql://{login}:{self.passwords[login]}@/{database}?host={folder}"


def open_cluster(folder: Path, say: Callable[[str], None]) -> Cluster:
    """The cluster of ``folder``, made if it is not there. Nobody else may be opening it.

    As root, PostgreSQL runs under an existing unprivileged account; where that one cannot reach ``folder``, the
    cluster lies under /var/lib/tragt and ``say`` is told. Raises Misconfigured with what to do.
    """
    account = unprivileged_account()
    binaries = find_binaries(account, SHELF)
    home = _home(folder, account, say)
    cluster = Cluster(home, binaries, account, _socket_folder(home, account), _passwords(home))
    if not cluster.data.exists():
        say(f"Making a PostgreSQL cluster in {cluster.data}")
        _initialise(cluster)
    return cluster


def _home(folder: Path, account: Account | None, say: Callable[[str], None]) -> Path:
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    home = folder.resolve()
    if not can_reach(account, home):
        home = SHELF / hashlib.sha256(str(home).encode()).hexdigest()[:16]
        say(f"The account {account.name if account else '?'} cannot reach {folder}: the database lies in {home}")
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    return home


def _socket_folder(home: Path, account: Account | None) -> Path:
    folder = make_socket_folder(home / "socket", ".s.PGSQL.5432", account.uid if account else os.geteuid())
    if account is not None:
        account.own(folder)
    return folder


def _passwords(home: Path) -> dict[str, str]:
    """The passwords of the logins, drawn once and kept where only we can read them."""
    path = home / "passwords.json"
    with contextlib.suppress(FileNotFoundError):
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    drawn = {login: secrets.token_hex(24) for login in (_ADMINISTRATOR, LOGIN)}
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.encode(drawn))
    beside.rename(path)
    return drawn


def _initialise(cluster: Cluster) -> None:
    """Make the data folder under another name and rename it, so that one cut short is never taken for a whole one."""
    workshop = cluster.home / "new"
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(mode=0o700)
    password = workshop / "password"
    password.touch(mode=0o600)
    password.write_text(cluster.passwords[_ADMINISTRATOR])
    if cluster.account is not None:
        cluster.account.own(workshop)
        cluster.account.own(password)
    _run_initdb(cluster, workshop / "data", password)
    (workshop / "data").rename(cluster.data)
    shutil.rmtree(workshop)


def _run_initdb(cluster: Cluster, data: Path, password: Path) -> None:
    command = [
        str(cluster.binaries / "initdb"),
        f"--pgdata={data}",
        f"--username={_ADMINISTRATOR}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
    ]
    done = subprocess.run(
        command,
        cwd="/",
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=False,
        **identity(cluster.account),
    )
    if done.returncode != 0:
        raise Misconfigured(f"initdb could not make {data}: {done.stderr.strip() or done.stdout.strip()}")
