"""``python -m tests.chaos.fuzz.worker TARGET FOLDER --for 30``: one target, guided by the code that an input reaches.

libFuzzer does the guiding (atheris); where that cannot be had, inputs are mutated blindly. With ``--replay FILE`` that
input alone, so that a finding shows its trace.
"""

import argparse
import atexit
import importlib
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.chaos.fuzz.tally import Tally

_INSTRUMENTED: Final = [
    "services.ingest",
    "services.scoring.domain",
    "services.cli.costs",
    "services.metrics.api.costs",
    "services.metrics.domain.cost",
    "shared.http",
    "shared.identity_key",
]
_MAX_LENGTH: Final = 1024 * 1024
_RSS_MB: Final = 2_048
_HANG_SECONDS: Final = 20
_MOST_SEEDS: Final = 500
"""Each is run before the first mutation, and most are much alike; all of them are where inputs are mutated blindly."""

_OURS: Final = 0.6
"""How many of the mutations are ours; the others are libFuzzer's."""

Take = Callable[[str, bytes], None]


def tried(tally: Tally, take: Take, target: str, data: bytes) -> None:
    """Give the target an input, note what it did."""
    error: Exception | None = None
    begun = time.process_time()
    try:
        take(target, data)
    except Exception as raised:  # noqa: BLE001 -- whatever it is, it is a finding
        error = raised
    tally.note(data, time.process_time() - begun, error)


def blindly(target: str, folder: Path, seconds: float, seed: int) -> Tally:
    """Mutate the target's seeds for so long without looking where they lead; the seeds themselves come first."""
    targets: Any = importlib.import_module("tests.chaos.fuzz.targets")
    mutation: Any = importlib.import_module("tests.chaos.fuzz.mutation")
    tally, chance = Tally(target, folder), random.Random(seed)
    seeds = [one.written() for one in targets.TARGETS[target].seeds()]
    for one in seeds:
        tried(tally, targets.take, target, one)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tried(tally, targets.take, target, mutation.mutated(chance.choice(seeds), chance))
    tally.write()
    return tally


def guided(atheris: Any, target: str, folder: Path, seconds: float, seed: int) -> None:
    """Fuzz it with libFuzzer, which ends the process; new inputs stay in the corpus, which is kept from run to run."""
    with atheris.instrument_imports(include=_INSTRUMENTED):
        targets: Any = importlib.import_module("tests.chaos.fuzz.targets")
    mutation: Any = importlib.import_module("tests.chaos.fuzz.mutation")
    tally, chance = Tally(target, folder), random.Random(seed)
    corpus, seeds = folder / "corpus", folder / "seeds"
    for one in (corpus, seeds):
        one.mkdir(exist_ok=True)
    begun_from = targets.TARGETS[target].seeds()
    for number, one in enumerate(begun_from[:: 1 + len(begun_from) // _MOST_SEEDS]):
        (seeds / str(number)).write_bytes(one.written())

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        chance.seed(number)
        if chance.random() < _OURS:
            made: bytes = mutation.mutated(data, chance, max_size)
            return made
        plain: bytes = atheris.Mutate(data, max_size)
        return plain

    bounds = (f"-max_total_time={int(seconds)}", f"-max_len={_MAX_LENGTH}", "-len_control=0", f"-seed={seed or 1}")
    limits = (f"-timeout={_HANG_SECONDS}", f"-rss_limit_mb={_RSS_MB}", f"-artifact_prefix={folder}/died-")
    arguments = [sys.argv[0], *bounds, *limits, str(corpus), str(seeds)]
    atexit.register(tally.write)
    atheris.Setup(arguments, lambda data: tried(tally, targets.take, target, data), custom_mutator=mutate)
    atheris.Fuzz()


def main() -> None:
    """Fuzz one target."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fuzz.worker", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--for", dest="seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path)
    asked = parser.parse_args()
    if asked.replay is not None:
        targets: Any = importlib.import_module("tests.chaos.fuzz.targets")
        targets.take(asked.target, asked.replay.read_bytes())
        return
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        blindly(asked.target, asked.folder, asked.seconds, asked.seed)
    else:
        guided(atheris, asked.target, asked.folder, asked.seconds, asked.seed)


if __name__ == "__main__":
    main()
