"""Runs several programs as children and ends them in reverse order. What a program is, others say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from shared.embedded.child import Child, Program, Status
from shared.embedded.journal import Journal

_END_SECONDS: Final = 8.0


class Supervisor:
    """The children of this process, in groups: a group is started when the ones before are ready, and ended first."""

    def __init__(self, logs: Path, say: Callable[[str], None], tasks: asyncio.TaskGroup) -> None:
        self._logs = logs
        self._say = say
        self._tasks = tasks
        self._groups: list[list[Child]] = []

    async def start(self, programs: Sequence[Program]) -> None:
        """Start a group and wait until each of it answers, however long that takes."""
        group = [Child(program, Journal(self._logs / f"{program.name}.log"), self._say) for program in programs]
        self._groups.append(group)
        for child in group:
            self._tasks.create_task(child.run())
        for child in group:
            await child.until_ready()

    def statuses(self) -> list[Status]:
        """How every child is, in the order of starting."""
        return [child.status for group in self._groups for child in group]

    async def end(self) -> None:
        """End all groups within 8 s, the last first; the children of one together."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _END_SECONDS
        while self._groups:
            left = deadline - loop.time()
            await asyncio.gather(*(child.end(left) for child in self._groups[-1]))
            self._groups.pop()


@asynccontextmanager
async def supervising(logs: Path, say: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    """A supervisor whose children are gone when the block is left, however it is left."""
    async with asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(logs, say, tasks)
        try:
            yield supervisor
        finally:
            await supervisor.end()
