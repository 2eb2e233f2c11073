"""``python -m tests.chaos.fuzz --for 600 [--target native ...] [--folder .cache/fuzz]``; non-zero on a finding."""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from tests.chaos.fuzz.session import session
from tests.chaos.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz, print, and say whether nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fuzz", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=600.0)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 30))
    asked = parser.parse_args()
    report = asyncio.run(session(asked.seconds, asked.folder.resolve(), asked.target or list(TARGETS), asked.seed))
    sys.stdout.write("\n".join([f"seed {asked.seed}", *report.lines()]) + "\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
