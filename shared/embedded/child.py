"""One supervised program: started again when it ends, killed when it is silent for too long, ended when told to."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import IO, Final

from shared.embedded.journal import Journal
from shared.embedded.process import INSIST_SECONDS, send, stop
from shared.errors import Misconfigured

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0
_STEADY_SECONDS: Final = 10.0
"""Having run for this long, a program that ends is started again at once, as the first time."""

_PROBE_PAUSE_SECONDS: Final = 2.0
_STARTING_PAUSE_SECONDS: Final = 0.1


_LAST_WORDS: Final = 3
"""How many lines of its log are told when a program has failed."""


class Answer(StrEnum):
    """What a probe found."""

    READY = "ready"
    BUSY = "busy"
    """It lives and says that it cannot serve yet (recovering, say)."""

    SILENT = "silent"


class Condition(StrEnum):
    """Where a child is between being started and being ended."""

    STARTING = "starting"
    READY = "ready"
    SILENT = "silent"
    WAITING = "waiting to be started again"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a child is started, asked and ended. ``before`` clears the place, each time it starts.

    ``patience_seconds`` is how long it may be silent after it once answered; ``first_patience_seconds`` how long before
    its first answer, None for as long as it takes. ``final_exit`` is the exit code, before the first answer, that no
    further start will change.
    """

    name: str
    launch: Callable[[IO[bytes]], Awaitable[Process]]
    probe: Callable[[], Awaitable[Answer]]
    before: Callable[[], Awaitable[None]] | None = None
    patience_seconds: float = 15.0
    first_patience_seconds: float | None = 60.0
    final_exit: int | None = None
    end_signals: tuple[signal.Signals, signal.Signals] = (signal.SIGTERM, signal.SIGKILL)
    grace_seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class Status:
    """A child as told to people. ``restarts`` counts how often it was started again."""

    name: str
    condition: Condition = Condition.STOPPED
    pid: int | None = None
    restarts: int = 0
    last_exit: int | None = None


class Child:
    """Keeps one program running from ``run`` to ``end``."""

    def __init__(self, program: Program, journal: Journal, say: Callable[[str], None]) -> None:
        self._program = program
        self._journal = journal
        self._say = say
        self._status = Status(program.name)
        self._process: Process | None = None
        self._began = 0  # bytes of the journal that older starts wrote
        self._ending = asyncio.Event()
        self._ready = asyncio.Event()
        self._has_answered = False
        self._grace = program.grace_seconds

    @property
    def status(self) -> Status:
        """How it is now."""
        return self._status

    async def until_ready(self) -> None:
        """Wait for it to answer, over as many starts as that takes."""
        await self._ready.wait()

    async def run(self) -> None:
        """Start it, and start it again whenever it ends, with growing pauses; until ``end``.

        Raises Misconfigured, with its last words, when it ends with its ``final_exit`` before it ever answered.
        """
        pause = _FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            began = loop.time()
            await self._run_once()
            self._check_hope()
            pause = _FIRST_PAUSE_SECONDS if loop.time() - began > _STEADY_SECONDS else pause
            await self._rest(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        self._update(condition=Condition.STOPPED, pid=None)

    async def end(self, within_seconds: float) -> None:
        """End it for good, by asking, insisting and killing; returns when it is gone, about in time."""
        self._grace = min(self._program.grace_seconds, max(within_seconds - INSIST_SECONDS, 0.0))
        self._ending.set()
        if self._process is not None:
            await self._stop(self._process)

    async def _run_once(self) -> None:
        if self._program.before is not None:
            await self._program.before()
        with self._journal.opened() as output:
            self._began = output.tell()
            self._process = await self._program.launch(output)
        self._update(condition=Condition.STARTING, pid=self._process.pid)
        if self._ending.is_set():  # it was told to end while it was being started
            await self._stop(self._process)
        await self._watch(self._process)
        self._ready.clear()
        self._update(condition=Condition.WAITING, pid=None, last_exit=self._process.returncode)
        self._process = None

    async def _watch(self, process: Process) -> None:
        """Ask until it ends, and kill it once it has been silent for longer than its patience."""
        loop = asyncio.get_running_loop()
        heard, patience = loop.time(), self._program.first_patience_seconds
        ended = asyncio.create_task(process.wait())
        while not ended.done() and not self._ending.is_set():
            answer = await self._program.probe()
            self._note(answer)
            if answer is not Answer.SILENT:
                heard, patience = loop.time(), self._program.patience_seconds
            elif patience is not None and loop.time() - heard > patience:
                self._say(f"{self._program.name} has not answered for {patience:.0f} s and is killed")
                send(process, signal.SIGKILL)
            pause = _PROBE_PAUSE_SECONDS if answer is Answer.READY else _STARTING_PAUSE_SECONDS
            await asyncio.wait({ended}, timeout=pause)
        await ended

    def _note(self, answer: Answer) -> None:
        match answer:
            case Answer.READY:
                self._update(condition=Condition.READY)
                self._ready.set()
                self._has_answered = True
                self._journal.trim()
            case Answer.BUSY:
                self._update(condition=Condition.STARTING)
            case Answer.SILENT if self._status.condition is Condition.READY:
                self._update(condition=Condition.SILENT)
            case _:
                pass

    def _check_hope(self) -> None:
        is_final = self._status.last_exit is not None and self._status.last_exit == self._program.final_exit
        if is_final and not self._has_answered and not self._ending.is_set():
            words = "\n".join(self._journal.tail(_LAST_WORDS, since=self._began))
            raise Misconfigured(f"{self._program.name} cannot start:\n{words}")

    async def _stop(self, process: Process) -> None:
        first, last = self._program.end_signals
        await stop(process, first, self._grace, last)

    async def _rest(self, pause: float) -> None:
        """Say why it ended, and wait before it is started again, unless it is to end for good."""
        if self._ending.is_set():
            return
        name, code = self._program.name, self._status.last_exit
        self._say(f"{name} ended ({_reason(code)}), starting it again in {pause:.1f} s; its log: {self._journal.path}")
        for line in self._journal.tail(_LAST_WORDS, since=self._began) if code and code > 0 else ():
            self._say(f"  {line}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), pause)
        self._update(restarts=self._status.restarts + 1)

    def _update(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]


def _reason(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
