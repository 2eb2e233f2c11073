"""``python -m services.ingest`` as a real process, as deployments start it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.served import free_port
from tests.waiting import wait_until

_START_SECONDS = 60.0
_END_SECONDS = 10.0
_COMMAND = (sys.executable, "-m", "services.ingest")


@dataclass(frozen=True, slots=True)
class IngestProcess:
    """A started process and where it answers."""

    process: "subprocess.Popen[bytes]"
    address: str
    port: int
    log: Path

    def is_live(self) -> bool:
        """Whether it answers at all."""
        return self._status("/health/live") == httpx.codes.OK

    def is_ready(self) -> bool:
        """Whether it says it can serve."""
        return self._status("/health/ready") == httpx.codes.OK

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until it is live or ready; shows what it said when it ended instead."""
        ended = self.process.poll
        wait_until(lambda: holds() or ended() is not None, within_seconds=_START_SECONDS, what=f"start; {self.log}")
        assert ended() is None, self.log.read_text()

    def post(self, path: str, content: bytes, key: str) -> httpx.Response:
        """Post bytes with a key."""
        headers = {"authorization": f"Bearer {key}"}
        return httpx.post(f"{self.address}{path}", content=content, headers=headers, timeout=20)

    def end(self) -> int:
        """SIGTERM; its exit code, which must come within its promise."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_SECONDS)

    def _status(self, path: str) -> int:
        try:
            return httpx.get(f"{self.address}{path}", timeout=5).status_code
        except httpx.TransportError:
            return 0


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without any setting of ingest, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INGEST_")}  # noqa: TID251
    return {**kept, **variables}


def run_ingest(variables: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end, for what it says about its settings."""
    command = [*_COMMAND, *arguments]
    environment = environment_with(variables)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def running_ingest(folder: Path, variables: Mapping[str, str]) -> Iterator[IngestProcess]:
    """A process that is live; killed in the end if it has not ended by then."""
    port = free_port()
    log = folder / f"ingest-{port}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            _COMMAND, env=environment_with({**variables, "INGEST_PORT": str(port)}), stdout=said, stderr=said
        )
    running = IngestProcess(process, f"http://127.0.0.1:{port}", port, log)
    try:
        running.wait_for(running.is_live)
        yield running
    finally:
        process.kill()
        process.wait()
