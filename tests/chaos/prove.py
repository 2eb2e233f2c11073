"""``python -m tests.chaos.prove``: each mutant must be caught, and the report names the invariant and the seed."""

import asyncio
import sys
from typing import Final

from tests.chaos.run import Wanted, run

CASES: Final[dict[str, dict[str, str]]] = {
    "no_compare": {"scoring": "no_compare", "scoring_b": "no_compare"},
    "no_seen": {"scoring": "no_seen", "scoring_b": "no_seen"},
    "early_acknowledgement": {"ingest": "early_acknowledgement"},
    "bigserial_offsets": {"ingest": "bigserial_offsets"},
    "no_root_recheck": {"scoring": "no_root_recheck", "scoring_b": "no_root_recheck"},
    "version_ignored": {"metrics": "version_ignored", "scoring": "stuttering_relay", "scoring_b": "stuttering_relay"},
    "stale_cleared_unlocked": {"scoring": "stale_cleared_unlocked", "scoring_b": "stale_cleared_unlocked"},
}
"""Which process runs which mutant."""

HARMLESS: Final[dict[str, dict[str, str]]] = {
    "stuttering_relay": {"scoring": "stuttering_relay", "scoring_b": "stuttering_relay"},
}
"""The control: publishing twice and late alone breaks nothing."""

_SECONDS: Final = 40.0
_TRIES: Final = 3


async def caught(name: str, mutants: dict[str, str], seed: int) -> list[str]:
    """What the harness says of a product with this mutant; empty when it noticed nothing."""
    report = await run(Wanted(log="postgres", seconds=_SECONDS, seed=seed, good=3_000, bad=60, mutants=mutants))
    return [f"{name}, seed {seed}: {line[:160]}" for line in report.findings.lines()]


def main() -> int:
    """Run every mutant, a few seeds each until it is caught."""
    wanted = sys.argv[1:] or [*CASES, *HARMLESS]
    sound = True
    for name in wanted:
        mutants = CASES.get(name) or HARMLESS[name]
        lines: list[str] = []
        for seed in range(1, _TRIES + 1 if name in CASES else 2):
            lines = lines or asyncio.run(caught(name, mutants, seed))
        sound = sound and bool(lines) == (name in CASES)
        verdict = "caught" if lines else "NOT CAUGHT" if name in CASES else "holds, as it must"
        sys.stdout.write("\n  ".join([f"{name}: {verdict}", *lines]) + "\n")
        sys.stdout.flush()
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
