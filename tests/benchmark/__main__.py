"""``python -m tests.benchmark``: every row, printed and kept in ``docs/benchmark.md``. QUICK: a tenth.

``... scoring log`` measures these parts, ``... ingest:R1,R4`` these rows of a part that can be taken apart.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from tests.benchmark import freshness, ingest_rows, log_rows, metrics_rows, pressure_rows, protocol_rows, scoring_rows
from tests.benchmark.measure import Row
from tests.benchmark.report import keep, table

_SEED: Final = 8
_PARTS: Final[dict[str, Callable[..., Awaitable[list[Row]]]]] = {
    "scoring": scoring_rows.rows,
    "metrics": metrics_rows.rows,
    "ingest": ingest_rows.rows,
    "protocols": protocol_rows.rows,
    "pressure": pressure_rows.rows,
    "log": log_rows.rows,
    "freshness": freshness.rows,
}


async def measure(parts: list[str], *, quick: bool) -> list[Row]:
    """The rows of these parts, one part after the other."""
    found: list[Row] = []
    for part in parts:
        sys.stderr.write(f"measuring {part} ...\n")
        name, _, rows = part.partition(":")
        found.extend(await _PARTS[name](quick=quick, **({"wanted": rows.split(",")} if rows else {})))
        sys.stderr.write(table(found[-1:]).splitlines()[-1] + "\n")
    return found


def main() -> int:
    """Measure, print, keep; non-zero when a row that blocks is missed."""
    quick = bool(os.environ.get("QUICK"))  # noqa: TID251 - the make target's own switch
    parts = sys.argv[1:] or list(_PARTS)
    rows = asyncio.run(measure(parts, quick=quick))
    sys.stdout.write(table(rows) + "\n")
    if parts == list(_PARTS) and not quick:
        keep(rows, "make benchmark", _SEED)
    return 1 if any(row.verdict == "missed" and row.bound.blocks for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
