"""``python -m tests.chaos --for 300 --log postgres --log kafka [--seed N]``; non-zero when an invariant is broken."""

import argparse
import asyncio
import random
import sys

from tests.chaos.run import Wanted, run

_RATE = 90
"""Good touchpoints per second of a run; never fewer than 20,000 in a run of five minutes."""


def main() -> int:
    """Run, print, and say whether all holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=60.0)
    parser.add_argument("--log", action="append", choices=("postgres", "kafka"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    asked = parser.parse_args()
    sound = True
    for log in asked.log or ("postgres", "kafka"):
        good = max(2_000, int(asked.seconds * _RATE))
        wanted = Wanted(log=log, seconds=asked.seconds, seed=asked.seed, good=good, bad=good // 50)
        report = asyncio.run(run(wanted))
        sys.stdout.write("\n".join(report.lines()) + "\n\n")
        sys.stdout.flush()
        sound = sound and not report.findings.broken
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
