"""The account PostgreSQL runs under: our own, or an existing unprivileged one when we are root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from shared.errors import Misconfigured

_CANDIDATES: Final = ("nobody", "daemon")


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An account that exists on this machine."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file or folder to the account. Needs root."""
        os.chown(path, self.uid, self.gid)


def unprivileged_account() -> Account | None:
    """The account to run PostgreSQL under, or None when we are not root and simply run it ourselves."""
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise Misconfigured(
        f"PostgreSQL does not run as root and none of the accounts {', '.join(_CANDIDATES)} exists:"
        " start tragt as an ordinary user, or name a running database with --database"
    )


def identity(account: Account | None) -> _Identity:
    """Arguments that make a subprocess run as the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account can enter the folder, or execute the program, at ``path``. The kernel is asked."""
    if account is None:
        return os.access(path, os.X_OK)
    question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    return subprocess.run(question, cwd="/", check=False, **identity(account)).returncode == 0
