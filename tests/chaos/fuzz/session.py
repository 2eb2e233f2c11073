"""A session of fuzzing: every target in a process of its own, then a real ingest over HTTP, then what was reached."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.fuzz import door
from tests.chaos.fuzz.replay import Replayed
from tests.chaos.fuzz.tally import Told, told_in

_DOOR_SHARE: Final = 0.15
_GRACE_SECONDS: Final = 90.0
"""Beyond its time: the start of a process, the seeds, and one last slow input."""


@dataclass(slots=True)
class Report:
    """What a session came to."""

    seconds: float
    told: dict[str, Told] = field(default_factory=dict)
    corpus: dict[str, int] = field(default_factory=dict)
    died: list[str] = field(default_factory=list)
    bombarded: door.Bombarded = field(default_factory=door.Bombarded)
    replayed: Replayed = field(default_factory=Replayed)

    @property
    def findings(self) -> list[str]:
        """Everything that must not be."""
        raised = [f"{one.target}: {one.what} ({one.file})" for told in self.told.values() for one in told.findings]
        return [*raised, *self.died, *self.replayed.slow, *self.bombarded.findings]

    def lines(self) -> list[str]:
        """As it is printed."""
        rows = [
            f"  {name:<22} {told.inputs:>9,} inputs, corpus {self.corpus.get(name, 0):>5}, slowest "
            f"{told.slowest_seconds:.3f} s ({told.slowest_bytes:,} bytes, instrumented)"
            for name, told in self.told.items()
        ]
        inputs = sum(told.inputs for told in self.told.values())
        reached = [f"{part}: {some} of {total} lines" for part, (some, total) in self.replayed.reached.items()]
        return [
            f"fuzzed for {self.seconds:.0f} s: {inputs:,} inputs of parsers, corpus {sum(self.corpus.values()):,}",
            *rows,
            f"  over HTTP: {self.bombarded.line()}",
            f"  reached {'; '.join(reached)}",
            *[f"FOUND {one}" for one in self.findings],
            "nothing was found" if not self.findings else f"{len(self.findings)} findings",
        ]


async def session(seconds: float, folder: Path, targets: Sequence[str], seed: int) -> Report:
    """Fuzz for so long; what is found stays in the folder, and so does the corpus, for the next time."""
    begun = time.monotonic()
    report = Report(seconds)
    at_once = os.cpu_count() or 1
    each = max(1.0, seconds * (1 - _DOOR_SHARE) * at_once / len(targets))
    room = asyncio.Semaphore(at_once)
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        shown = progress.add_task("fuzzing", total=seconds, said="")
        showing = asyncio.create_task(_show(progress, shown, folder, targets, begun))
        async with asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(_fuzz(target, folder / target, each, seed, room, report))
        progress.update(shown, description="fuzzing over HTTP")
        report.bombarded = await asyncio.to_thread(door.bombard, max(2.0, seconds * _DOOR_SHARE), folder / "http", seed)
        showing.cancel()
        progress.update(shown, description="replaying", said="what was reached")
        await _run(folder, "tests.chaos.fuzz.replay", str(folder))
    for target in targets:
        report.told[target] = told_in(folder / target)
        report.corpus[target] = len([*(folder / target / "seeds").glob("*"), *(folder / target / "corpus").glob("*")])
    report.replayed = msgspec.json.decode((folder / "replayed.json").read_bytes(), type=Replayed)
    return report


async def _show(progress: Progress, shown: object, folder: Path, targets: Sequence[str], begun: float) -> None:
    while True:
        inputs = sum(told_in(folder / target).inputs for target in targets)
        progress.update(shown, completed=time.monotonic() - begun, said=f"{inputs:,} inputs")  # type: ignore[arg-type]
        await asyncio.sleep(0.5)


async def _fuzz(target: str, folder: Path, seconds: float, seed: int, room: asyncio.Semaphore, report: Report) -> None:
    async with room:
        _cleared(folder)
        arguments = ("tests.chaos.fuzz.worker", target, str(folder), "--for", str(seconds), "--seed", str(seed))
        code = await _run(folder, *arguments, within_seconds=seconds + _GRACE_SECONDS)
    if code:
        report.died.append(f"{target}: its process ended with {code}: {' '.join(_left_by_the_dead(folder))}")


def _cleared(folder: Path) -> None:
    """Of a run before only the corpus is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("died-*"), *folder.glob("raised-*"), *folder.glob("slow-*"), folder / "told.json"):
        old.unlink(missing_ok=True)


def _left_by_the_dead(folder: Path) -> list[str]:
    return [str(path) for path in folder.glob("died-*")] or [str(folder / "said")]


async def _run(folder: Path, *arguments: str, within_seconds: float = 600.0) -> int:
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments, stdout=said, stderr=said)
        try:
            async with asyncio.timeout(within_seconds):
                return await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            return -1
