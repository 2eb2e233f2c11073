"""Small real programs for a supervisor to run: each answers on a socket until it is killed or told to end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.embedded.child import Answer, Program
from shared.embedded.process import spawn

_ANSWERING = """
import asyncio, os, signal, sys
async def main():
    async def answer(reader, writer):
        writer.write(b"here"); writer.close()
    path = sys.argv[1]
    if os.path.exists(path):
        os.unlink(path)
    server = await asyncio.start_unix_server(answer, path)
    print("serving", flush=True)
    await server.serve_forever()
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
asyncio.run(main())
"""
_FAILING = "print('cannot go on', flush=True); raise SystemExit(7)"


@dataclass(frozen=True, slots=True)
class Answering:
    """A program that answers on a socket in ``folder``."""

    folder: Path
    is_stubborn: bool = False

    def program(self, *, patience_seconds: float = 10.0, grace_seconds: float = 2.0) -> Program:
        words = [str(self._socket), *(["stubborn"] if self.is_stubborn else [])]
        return Program(
            name="answering",
            launch=lambda output: _spawn(_ANSWERING, words, output),
            probe=self.probe,
            patience_seconds=patience_seconds,
            grace_seconds=grace_seconds,
        )

    async def probe(self) -> Answer:
        try:
            async with asyncio.timeout(0.2):
                reader, writer = await asyncio.open_unix_connection(self._socket)
                with closing(writer):
                    said = await reader.read()
        except (OSError, TimeoutError):
            return Answer.SILENT
        return Answer.READY if said == b"here" else Answer.SILENT

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"


def failing() -> Program:
    """A program that ends with 7 as soon as it is started."""

    async def probe() -> Answer:
        return Answer.SILENT

    return Program(name="failing", launch=lambda output: _spawn(_FAILING, [], output), probe=probe)


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)


async def _spawn(program: str, words: list[str], output: IO[bytes]) -> Process:
    return await spawn(
        [sys.executable, "-c", program, *words], environment={}, output=output, death_signal=signal.SIGKILL
    )
