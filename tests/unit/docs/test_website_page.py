"""The page about web sites names what the tracker has, and nothing else."""

import re
from pathlib import Path

SOURCE = Path("services/ingest/tracker/tracker.js").read_text()
PAGE = Path("docs/connect/website.md").read_text()


def first_cells(pattern: str) -> set[str]:
    return set(re.findall(rf"^\| `{pattern}", PAGE, re.MULTILINE))


def test_attributes() -> None:
    assert first_cells(r"data-(\w+)") == set(re.findall(r"settings\.(\w+)", SOURCE))


def test_kinds() -> None:
    told = set(re.findall(r"(?:tell\(|\|\| )\"(\w+)\"", SOURCE))

    assert first_cells(r"(\w+(?:_\w+|ied))") == told


def test_calls() -> None:
    block = SOURCE[SOURCE.index("const commands = {") : SOURCE.index("const run =")]

    assert first_cells(r"tragt\(\"(\w+)\"") == set(re.findall(r"^  (\w+)[:(]", block, re.MULTILINE))


def test_numbers() -> None:
    """Half an hour, 13 months, half a minute."""
    assert {"VISIT_MILLISECONDS = 18e5", "COOKIE_SECONDS = 34e6", "IDLE_MILLISECONDS = 3e4"} <= set(
        re.findall(r"const (\w+ = \w+);", SOURCE)
    )
