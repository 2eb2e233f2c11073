"""Documents name what exists: links, make targets, decision records."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
_MAKE = re.compile(r"`make ([a-z]+)")
_SECTIONS = ("## Context", "## Decision", "## Consequences", "## Alternatives")


def _documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split()]


def _decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def test_every_link_to_a_file_has_that_file() -> None:
    found = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in _documents()
        for target in _LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]

    assert found == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for document in _documents() for target in _MAKE.findall(document.read_text())}

    assert named - targets == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in _decisions()]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", _decisions(), ids=lambda path: path.stem)
def test_a_decision_says_why_and_what_else_there_was(path: Path) -> None:
    text = path.read_text()

    assert [section for section in _SECTIONS if section not in text] == []
    assert len(text.splitlines()) <= 80


def test_the_index_lists_every_decision() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()

    assert [path.name for path in _decisions() if f"({path.name})" not in index] == []
