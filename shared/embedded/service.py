"""A service as a supervised program: ``python -m services.<name>``, exactly as in production."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import IO, Final

from shared.embedded.child import Answer, Program
from shared.embedded.process import spawn
from shared.settings import EXIT_MISCONFIGURED

_PROBE_SECONDS: Final = 5.0
_WELL: Final = b"200"
_HEAD_BYTES: Final = 8192


def service_program(name: str, port: int, environment: Mapping[str, str]) -> Program:
    """The program of ``services.<name>``, which serves on ``port`` with the settings in ``environment``."""

    async def launch(output: IO[bytes]) -> Process:
        return await spawn(
            [sys.executable, "-m", f"services.{name}"],
            environment=dict(environment) | _python(environment),
            output=output,
            death_signal=signal.SIGKILL,
        )

    return Program(name=name, launch=launch, probe=lambda: probe_live(port), final_exit=EXIT_MISCONFIGURED)


async def probe_live(port: int, host: str = "127.0.0.1") -> Answer:
    """Ask whether it makes progress. Not ready is well enough: its dependencies are not its own fault."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return Answer.READY if await _status(host, port) == _WELL else Answer.SILENT
    except (OSError, TimeoutError, ValueError):
        return Answer.SILENT


async def _status(host: str, port: int) -> bytes:
    """The status of the answer; spoken by hand, because a client with its pool costs more than the question."""
    reader, writer = await asyncio.open_connection(host, port, limit=_HEAD_BYTES)
    try:
        writer.write(f"GET /health/live HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readline()
        return head.split(b" ", 2)[1] if head.startswith(b"HTTP/1.") else b""
    finally:
        writer.close()


def _python(environment: Mapping[str, str]) -> dict[str, str]:
    """Our own packages are found, and none of that name in the folder where we happen to be started."""
    root = str(Path(str(files("services"))).parent)
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(":"))]
    return {"PYTHONPATH": ":".join(dict.fromkeys(paths)), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
