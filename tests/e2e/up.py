"""``tragt up`` as a process that tests may kill, stop and start again, as root or as another account."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import psutil

import services
from shared.embedded.account import Account, can_reach
from shared.embedded.control import Ask, ask
from tests.e2e.instance import free_ports
from tests.waiting import wait_until

_READY_SECONDS: Final = 60
_ROOT: Final = Path(services.__path__[0]).parent


@dataclass(slots=True)
class Up:
    """One data folder and three ports. ``start`` may be called again after the process has ended."""

    folder: Path
    options: tuple[str, ...] = ()
    account: Account | None = None
    ports: str = field(default_factory=lambda: ",".join(map(str, free_ports(3))))
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch()
        wait_until(self.is_ready, within_seconds=_READY_SECONDS, what="tragt up is ready")

    def launch(self) -> None:
        """Start it."""
        arguments = ["up", "--data", str(self.folder), "--ports", self.ports, *self.options]
        with self._said.open("ab") as said:
            self.process = self._popen(arguments, said)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on the same folder."""
        with subprocess.Popen(
            self._line(*arguments, "--data", str(self.folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        ) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def state(self) -> dict[str, Any]:
        """What it says of itself; empty when nothing runs."""
        return ask(self.folder, Ask.STATUS) or {}

    def pids(self) -> dict[str, int]:
        """The children that run, by name."""
        return {child["name"]: child["pid"] for child in self.state()["children"] if child["pid"] is not None}

    def is_ready(self) -> bool:
        """Whether it and each of its children is ready. AssertionError when the process has ended instead."""
        assert self.process is not None
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said()}"
        state = self.state()
        return bool(state.get("ready")) and all(child["condition"] == "ready" for child in state["children"])

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        return self.process.wait(30)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def said(self) -> str:
        """Everything that it printed."""
        return self._said.read_text()

    @property
    def _said(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.said")

    def _popen(self, arguments: list[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
        line = self._line(*arguments)
        if self.account is None:
            return subprocess.Popen(line, stdout=said, stderr=said, cwd=_ROOT)
        return subprocess.Popen(_as_account(self.account, line), stdout=said, stderr=said, cwd="/", env=_environment())

    def _line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "services.cli", *arguments]


def other_account() -> Account | None:
    """An unprivileged account to run as when we are root; None when we are unprivileged ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("daemon")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def all_gone(pids: list[int]) -> bool:
    """Whether none of the processes is there any more."""
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def _as_account(account: Account, line: list[str]) -> list[str]:
    """The line run as the account; it may read everything when our own folders are closed to it (a home of root's)."""
    setpriv = shutil.which("setpriv")
    assert setpriv is not None, "setpriv (util-linux) runs programs as another account"
    reading = [] if _is_open_to(account) else ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [setpriv, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", *reading, *line]


def _is_open_to(account: Account) -> bool:
    return can_reach(account, Path(sys.executable).resolve()) and can_reach(account, _ROOT)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
