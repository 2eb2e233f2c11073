"""A whole instance as a user starts it: ``tragt up`` on a folder of its own and free ports."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.waiting import wait_until

_READY_SECONDS = 60.0
_END_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Instance:
    """Where it answers, its keys, and the sign-in link that it printed."""

    folder: Path
    ingest: str
    scoring: str
    metrics: str
    write_key: str
    secret_key: str
    link: str

    def post(self, *touchpoints: dict[str, Any]) -> None:
        """Post native touchpoints; all must be accepted."""
        headers = {"Authorization": f"Bearer {self.write_key}"}
        answer = httpx.post(f"{self.ingest}/v1/touchpoints", json={"touchpoints": touchpoints}, headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["accepted"] == len(touchpoints), answer.text

    def read(self, address: str) -> Any:
        """What a GET with the secret key answers; None when there is no such thing."""
        answer = httpx.get(address, headers={"Authorization": f"Bearer {self.secret_key}"}, timeout=30)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def command(self, *arguments: str) -> str:
        """What ``tragt`` says to these arguments on this instance's folder; it must succeed."""
        line = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(line, env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """An environment in which ``tragt`` finds this instance."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # noqa: TID251 (a child's environment)
        return {**os.environ, "PATH": path, "TRAGT_DATA": str(self.folder)}  # noqa: TID251


@contextmanager
def running_instance(*options: str) -> Iterator[Instance]:
    """``tragt up`` until it says it is ready; ended by SIGTERM, within its own promise.

    Its folder is one that the database's account can reach, so that everything is gone with it (pytest's is closed).
    """
    ports = ",".join(map(str, free_ports(3)))
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tragt-e2e-")))
        room.chmod(0o755)
        folder = room / "data"
        line = [sys.executable, "-m", "services.cli", "up", "--data", str(folder), "--ports", ports, "--json", *options]
        said = stack.enter_context((folder.parent / f"{folder.name}.err").open("w+"))
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=said, text=True)
        stack.callback(_end, process)
        announcement = _announcement(process, Path(said.name))
        keys = msgspec.json.decode((folder / "credentials.json").read_bytes())
        yield Instance(
            folder=folder,
            ingest=announcement["ingest"],
            scoring=announcement["scoring"],
            metrics=announcement["metrics"],
            write_key=keys["write_key"],
            secret_key=keys["secret_key"],
            link=announcement["page"],
        )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address on which nothing listens now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _announcement(process: subprocess.Popen[str], said: Path) -> dict[str, Any]:
    """The JSON that ``tragt up --json`` prints once it is ready; it ends with a line that is only a brace."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.rstrip() == "}":
            answer: dict[str, Any] = msgspec.json.decode("".join(lines))
            return answer
    raise AssertionError(f"tragt up ended with {process.wait()}: {said.read_text()}")


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        wait_until(lambda: process.poll() is not None, within_seconds=_END_SECONDS, what="tragt up ends on SIGTERM")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
