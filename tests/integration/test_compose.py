"""No container engine runs the tests, so they check what it would be told, and run what it would run."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests.architecture.source import ROOT
from tests.compose import ComposeService, interpolate, read_compose, service
from tests.kafka_broker import KafkaBroker
from tests.postgres_server import PostgresServer, running_server
from tests.waiting import wait_until

_SERVICES: Final = ("ingest", "scoring", "metrics")
_SECRET: Final = re.compile("PASSWORD|SECRET|TOKEN|DSN|DATABASE$|KEY$")
_COMPOSE_SCHEMA: Final = files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json")
_ONE_VARIABLE: Final = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")


@pytest.fixture(scope="module")
def prepared_server() -> Iterator[PostgresServer]:
    """A cluster as the compose file makes it: database, roles by deploy/postgres/roles.sql, nothing else."""
    with running_server() as server:
        server.run_sql("postgres", "CREATE DATABASE tragt")
        server.run_file("tragt", ROOT / "deploy" / "postgres" / "roles.sql", {"TRAGT_PASSWORD": "of-a-test"})
        yield server


@pytest.fixture(scope="module")
def variables(prepared_server: PostgresServer, kafka_broker: KafkaBroker) -> dict[str, str]:
    """The .env of this test, with the database migrated by the file's own command."""
    ports = {f"{name.upper()}_PORT": str(_free_port()) for name in _SERVICES}
    filled = {
        "TRAGT_DATABASE_DSN": prepared_server.dsn("tragt", "tragt"),
        "TRAGT_KAFKA_SERVERS": kafka_broker.servers,
        **ports,
    }
    migrate = service("migrate", filled)
    done = subprocess.run(
        migrate.command, env=_environment(migrate), cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return filled


def test_the_file_is_what_the_schema_of_compose_allows() -> None:
    schema = msgspec.json.decode(_COMPOSE_SCHEMA.read_bytes())
    document = read_compose()
    anchors = {name: part for name, part in document.items() if name.startswith("x-")}

    problems = [error.message for error in Draft202012Validator(schema).iter_errors(document)]

    assert problems == []
    assert list(anchors) == ["x-service"]


def test_no_secret_stands_in_the_file() -> None:
    given = {
        f"{name}.{key}": str(value)
        for name, part in read_compose()["services"].items()
        for key, value in part.get("environment", {}).items()
        if _SECRET.search(key)
    }

    assert len(given) >= 6
    assert {key: value for key, value in given.items() if not _ONE_VARIABLE.fullmatch(value)} == {}


def test_every_variable_of_the_file_is_in_the_example() -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()

    offered = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))

    assert named - offered == set()
    assert re.findall(r"^[A-Z_]*PASSWORD=.+$", example, re.MULTILINE) == []


def test_a_variable_that_must_be_set_is_asked_for() -> None:
    with pytest.raises(KeyError, match=r"set it in \.env"):
        interpolate("${POSTGRES_PASSWORD:?set it in .env}", {})


def test_our_containers_may_write_nothing_and_gain_nothing() -> None:
    ours = {name: part for name, part in read_compose()["services"].items() if part.get("image") == "tragt:local"}

    assert set(ours) == {*_SERVICES, "migrate"}
    assert all(part["read_only"] and part["cap_drop"] == ["ALL"] for part in ours.values())
    assert all("no-new-privileges:true" in part["security_opt"] for part in ours.values())
    assert re.search(r"^USER 10001", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_becomes_ready_and_ends_when_told_to(name: str, variables: dict[str, str], tmp_path: Path) -> None:
    told = service(name, variables)
    port = variables[f"{name.upper()}_PORT"]
    log = tmp_path / "log"

    with log.open("wb") as output:
        process = subprocess.Popen(told.command, env=_environment(told), cwd=tmp_path, stdout=output, stderr=output)
    try:
        wait_until(
            lambda: _is_ready(port) or process.poll() is not None, within_seconds=30, what=f"{name}: {log.read_text()}"
        )
        ready = _is_ready(port)
        process.send_signal(signal.SIGTERM)
        code = process.wait(12)
    finally:
        process.kill()
        process.wait()

    assert ready, log.read_text()
    assert code == 0, log.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_the_installed_package_holds_every_file_of_the_tree(tmp_path: Path) -> None:
    source = tmp_path / "source"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    copied = [name for name in tracked if name.startswith(("services/", "shared/", "migrations/"))]
    for name in [*copied, "pyproject.toml", "README.md", "LICENSE"]:
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-compile"]

    subprocess.run([*pip, "--target", str(tmp_path / "installed"), str(source)], check=True, capture_output=True)

    assert [name for name in copied if not (tmp_path / "installed" / name).is_file()] == []


def _environment(told: ComposeService) -> dict[str, str]:
    """What a container gets: the image's PATH and what the file says, nothing of ours."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin", **told.environment}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_ready(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
