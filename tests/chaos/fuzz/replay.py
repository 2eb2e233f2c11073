"""``python -m tests.chaos.fuzz.replay FOLDER``: what a run's inputs reach, and how slow the slow ones really are.

Writes ``replayed.json``. While fuzzing, the code is instrumented and takes several times as long.
"""

import argparse
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import coverage
import msgspec

from tests.chaos.fuzz.tally import SLOW_SECONDS, told_in

_ROOT: Final = Path(__file__).parents[3]
"""Not asked of a module that imports the parsers, as they are to be imported while it is looked what runs."""
_READ: Final = ("services/ingest/protocols", "services/ingest/domain")
_MAX_BYTES: Final = 32 * 1024
"""Larger inputs reach nothing that a smaller one does not, and take long to trace."""


class Replayed(msgspec.Struct):
    """Lines reached of those there are, by folder; inputs that are slow without a fuzzer too."""

    reached: dict[str, tuple[int, int]] = {}
    unreached: dict[str, str] = {}
    slow: list[str] = []


def replay(folder: Path) -> Replayed:
    """Every target's corpus once more."""
    tracer = coverage.Coverage(data_file=None, config_file=False, include=[f"{_ROOT / one}/*" for one in _READ])
    tracer.start()
    from tests.chaos.fuzz.targets import TARGETS, take  # noqa: PLC0415 -- what importing runs is reached as well

    for target in TARGETS:
        for path in _inputs(folder / target):
            data = path.read_bytes()
            if len(data) <= _MAX_BYTES:
                _take(take, target, data)
    tracer.stop()
    found = Replayed()
    for one in _READ:
        _measure(tracer, one, found)
    for target in TARGETS:
        for name in told_in(folder / target).slow:
            begun = time.process_time()
            _take(take, target, Path(name).read_bytes())
            seconds = time.process_time() - begun
            if seconds > SLOW_SECONDS:
                found.slow.append(f"{target}: {seconds:.1f} s of processor time: {name}")
    return found


def _inputs(folder: Path) -> Sequence[Path]:
    return [path for part in ("seeds", "corpus") for path in sorted((folder / part).glob("*"))]


def _take(take: Callable[[str, bytes], None], target: str, data: bytes) -> None:
    with contextlib.suppress(Exception):  # it was noted when it was found
        take(target, data)


def _measure(tracer: coverage.Coverage, part: str, found: Replayed) -> None:
    reached = total = 0
    for path in sorted((_ROOT / part).glob("*.py")):
        _, statements, _, missing, _ = tracer.analysis2(str(path))
        reached += len(statements) - len(missing)
        total += len(statements)
        if missing:
            found.unreached[str(path.relative_to(_ROOT))] = ",".join(map(str, missing))
    found.reached[part] = (reached, total)


def main() -> None:
    """Replay a run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fuzz.replay", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    (folder / "replayed.json").write_bytes(msgspec.json.encode(replay(folder)))


if __name__ == "__main__":
    main()
