"""What `make test` says on a machine that lacks its parts, asked as an ordinary user."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.embedded.account import identity, unprivileged_account
from tests.architecture.source import ROOT

_TOOLS = ("bash", "env", "sed", "id", "apt-get")


@pytest.fixture
def bare_machine() -> Iterator[Path]:
    """A folder of programs, as PATH, in which everybody may read; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="tragt-parts-"))
    folder.chmod(0o755)
    shutil.copy(ROOT / ".ci" / "parts", folder / "parts")
    for tool in _TOOLS:
        _program(folder, tool, f'exec {shutil.which(tool)} "$@"')
    yield folder
    shutil.rmtree(folder)


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def _ask(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(folder / "parts")],
        env={"PATH": str(folder)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **identity(unprivileged_account()),
    )


def test_without_rights_the_exact_line_is_printed(bare_machine: Path) -> None:
    _program(bare_machine, "java", 'echo "openjdk version \\"17.0.1\\"" >&2')

    said = _ask(bare_machine)

    assert said.returncode != 0
    assert (
        "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends maven nodejs npm chromium\n"
        in said.stderr
    )


@pytest.mark.parametrize(
    ("java", "node", "complaint"), [("11", "v20.1.0", "Java 11"), ("21", "v18.19.0", "Node.js 18")]
)
def test_a_part_that_is_too_old_is_named(bare_machine: Path, java: str, node: str, complaint: str) -> None:
    _program(bare_machine, "java", f'echo "openjdk version \\"{java}.0.1\\" 2020-01-01" >&2')
    _program(bare_machine, "node", f"echo {node}")
    for program in ("mvn", "npm", "chromium"):
        _program(bare_machine, program, "exit 0")

    said = _ask(bare_machine)

    assert said.returncode != 0
    assert complaint in said.stderr


def test_a_machine_with_everything_is_left_alone(bare_machine: Path) -> None:
    _program(bare_machine, "java", 'echo "openjdk version \\"17.0.1\\" 2020-01-01" >&2')
    _program(bare_machine, "node", "echo v20.1.0")
    for program in ("mvn", "npm", "chromium"):
        _program(bare_machine, program, "exit 0")

    said = _ask(bare_machine)

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
