"""What a target's fuzzing came to, written to a file while it goes on: a crash may be the last thing it does."""

import time
import traceback
from pathlib import Path
from typing import Final

import msgspec

SLOW_SECONDS: Final = 1.0
"""Of processor time, for an input of at most 1 MiB."""

_WRITTEN_EVERY: Final = 0.5


class Finding(msgspec.Struct, frozen=True):
    """An input that should not do what it does, kept in a file."""

    target: str
    what: str
    file: str


class Told(msgspec.Struct):
    """How many inputs there were, the slowest, and what was found."""

    inputs: int = 0
    slowest_seconds: float = 0.0
    slowest_bytes: int = 0
    slow: list[str] = []
    findings: list[Finding] = []


class Tally:
    """Counts one target's inputs and keeps those that are found."""

    def __init__(self, target: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._folder = folder
        self._seen: set[str] = set()
        self._written_at = 0.0
        self.told = Told()

    def note(self, data: bytes, seconds: float, error: Exception | None) -> None:
        """One input, the processor time that it took, and what it raised that is no refusal."""
        told = self.told
        told.inputs += 1
        if seconds > told.slowest_seconds:
            told.slowest_seconds, told.slowest_bytes = seconds, len(data)
            if seconds > SLOW_SECONDS:
                told.slow.append(self._kept(data, "slow"))
        if error is not None:
            what = _what(error)
            if what not in self._seen:
                self._seen.add(what)
                told.findings.append(Finding(self._target, what, self._kept(data, "raised")))
        if time.monotonic() > self._written_at + _WRITTEN_EVERY:
            self.write()

    def write(self) -> None:
        """Put it on the disk."""
        self._written_at = time.monotonic()
        unfinished = self._folder / "told.part"
        unfinished.write_bytes(msgspec.json.encode(self.told))
        unfinished.rename(self._folder / "told.json")

    def _kept(self, data: bytes, why: str) -> str:
        path = self._folder / f"{why}-{self.told.inputs}"
        path.write_bytes(data)
        return str(path)


def told_in(folder: Path) -> Told:
    """What was written there last."""
    path = folder / "told.json"
    return msgspec.json.decode(path.read_bytes(), type=Told) if path.exists() else Told()


def _what(error: Exception) -> str:
    """The error and the place that it comes from, which tells one fault from another."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{last.filename.rpartition('/main/')[2]}:{last.lineno}"
    return f"{type(error).__name__} at {place}: {str(error)[:200]}"
