"""The generated OpenAPI of all three services does not lie: schemathesis asks a real instance for whatever it says."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.instance import Instance, running_instance

pytestmark = pytest.mark.timeout(120)

_CHECKS: Final = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection",
)  # fmt: skip
_SETTINGS: Final = (
    "checks.negative_data_rejection.expected-statuses = [400, 401, 403, 404, 406, 409, 413, 422, 428, 431]"
)
"""A head that is too large is refused before anybody looks what it asks for."""
_PEOPLE: Final = 20
_SECONDS: Final = 10
"""Of each service, at most."""


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with running_instance() as running:
        people = [{"email": f"p{number}@shop.example", "user_id": f"u{number}"} for number in range(_PEOPLE)]
        running.post(*({"kind": "demo_requested", "identity": who} for who in people))
        yield running


@pytest.mark.parametrize("service", ["ingest", "scoring", "metrics"])
def test_a_service_answers_as_its_openapi_says(service: str, instance: Instance, tmp_path: Path) -> None:
    address: str = getattr(instance, service)
    (tmp_path / "schemathesis.toml").write_text(_SETTINGS, encoding="utf-8")
    asked = [f"{address}/openapi.json", "--header", f"Authorization: Bearer {instance.secret_key}"]
    # A stream of events never ends, which is all that this could say of it.
    bounds = ["--exclude-path-regex", "stream$", "--max-examples", "15", "--max-time", str(_SECONDS), "--seed", "1"]
    how = ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(_CHECKS), "--generation-database", "none"]
    command = [sys.executable, "-m", "schemathesis.cli", "run", *asked, *bounds, *how, "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)

    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr
    assert "No test cases were generated" not in done.stdout
