"""The table: printed, and kept in ``docs/benchmark.md`` with the command and the machine."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.benchmark.measure import Row

_PAGE = Path(__file__).parent.parent.parent / "docs" / "benchmark.md"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, those that must hold first as given."""
    lines = [
        "| row | what | must reach | median | min - max | | beside |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        kind = "blocks" if row.bound.blocks else "report"
        spread = f"{min(row.figures):.3g} - {max(row.figures):.3g} ({len(row.figures)})"
        wrong = f", {row.differing} differ" if row.differing else ""
        lines.append(
            f"| {row.name} | {row.what} | {row.bound} ({kind}) | {row.median:.3g} | {spread} "
            f"| {row.verdict}{wrong} | {row.beside} |"
        )
    return "\n".join(lines)


def keep(rows: Sequence[Row], command: str, seed: int) -> None:
    """Write the page."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("asyncpg", "aiokafka", "uvicorn", "msgspec"))
    _PAGE.write_text(
        "# Benchmark\n\n"
        f"`{command}` on {psutil.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {versions}; seed {seed}.\n\n"
        "Ratios of CPU seconds of the measured process against a control beside it, interleaved; the median decides. "
        "How each row is measured stands in the docstring of its function in `tests/benchmark`.\n\n"
        f"{table(rows)}\n"
    )
