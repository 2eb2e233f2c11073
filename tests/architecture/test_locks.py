"""What is installed is named, versioned and hashed, and comes from wherever the machine's clients are told to look."""

import re
import subprocess
import tomllib

import pytest

from tests.architecture.source import ROOT

_LOCKS = ("requirements.lock", "requirements-dev.lock")
_PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def _pins(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in _PINNED.findall((ROOT / lock).read_text()):
        found.setdefault(name, set()).add(version)
    return found


def _normalised(requirement: str) -> str:
    name = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", [*_LOCKS, "tests/e2e/node_clients/package-lock.json", "tests/kafka/pom.xml"])
def test_a_lock_holds_no_addresses(lock: str) -> None:
    assert re.findall(r"https?://\S+", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_locked_version_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text())

    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_hold_everything_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime = {_normalised(name) for name in project["dependencies"]}
    development = {_normalised(name) for name in project["optional-dependencies"]["dev"]}

    assert runtime - _pins("requirements.lock").keys() == set()
    assert (runtime | development) - _pins("requirements-dev.lock").keys() == set()


def test_development_tests_the_versions_that_run() -> None:
    development = _pins("requirements-dev.lock")

    assert {name: pins for name, pins in _pins("requirements.lock").items() if development.get(name) != pins} == {}


def test_no_installed_code_is_kept_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()

    assert [path for path in tracked if "node_modules/" in path or path.endswith((".jar", ".whl", ".min.js"))] == []
