"""``tragt schemas`` against a running ingest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.ingest.bootstrap import opened
from tests.cli import Told, tragt
from tests.ingest_door import Keys, make_keys, settings_for
from tests.ingest_process import IngestProcess, running_ingest

_SCHEMA = "properties:\n  required: [plan]\n  properties:\n    plan: {enum: [free, pro]}\n"
_SAMPLES = '[{"properties": {"plan": "pro"}}, {"properties": {}}]'


@pytest.fixture
async def keys(database: str) -> Keys:
    async with opened(settings_for(database)) as own:
        return await make_keys(own)


@pytest.fixture
def ingest(tmp_path: Path, database: str, keys: Keys) -> Iterator[IngestProcess]:
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        assert running.post("/v1/touchpoints", b"[]", keys.write).status_code == 422
        yield running


def test_a_schema_from_the_first_try_to_its_retirement(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    def ask(*words: str) -> Told:
        return tragt("schemas", *words, "--key", keys.secret, "--address", ingest.address)

    schema, samples = tmp_path / "schema.yaml", tmp_path / "samples.json"
    schema.write_text(_SCHEMA)
    samples.write_text(_SAMPLES)

    tried = ask("try", "trial_started", str(samples), "--schema", str(schema))
    assert (tried.code, '"plan" is a required property' in tried.out, "1 violations" in tried.err) == (1, True, True)
    assert ask("put", "trial_started", str(schema)).out.strip() == "trial_started: version 1 is in force (warn)"
    assert ask("set", "trial_started", "--mode", "reject", "--json").json["mode"] == "reject"
    shown = ask("show", "trial_started").out
    assert ask("try", "trial_started", str(samples), "--json").code == 1
    schema.write_text(shown)
    assert ask("put", "trial_started", str(schema), "--json").json["versions"] == 1
    schema.write_text("properties: {}\n")
    assert ask("put", "trial_started", str(schema)).out.strip() == "trial_started: version 2 is in force (reject)"
    assert ask("try", "trial_started", str(samples)).out.strip() == "all are as they should be"
    assert ask("retire", "trial_started").out.strip() == "trial_started: no version is in force"
    assert ask("list", "--json").json["data"][0]["active"] is None
    assert "trial_started" in ask("list").out
    assert "enum" in ask("show", "trial_started", "--version", "1").out
    assert ask("show", "trial_started", "--version", "9").code == 1


def test_what_is_no_schema_is_refused_with_the_place(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "schema.yaml"

    def put() -> Told:
        return tragt("schemas", "put", "x", str(file), "--key", keys.secret, "--address", ingest.address)

    file.write_text("properties: {type: strig}\n")
    no_schema = put()
    file.write_text("type: object\n")
    no_part = put()
    file.write_text("- a list\n")
    no_object = put()
    nothing = tragt("schemas", "set", "x", "--key", keys.secret, "--address", ingest.address)

    assert (no_schema.code, "/properties/type" in no_schema.err) == (2, True)
    assert (no_part.code, "has type beside" in no_part.err) == (2, True)
    assert (no_object.code, "is no object" in no_object.err) == (2, True)
    assert (nothing.code, "--mode" in nothing.err) == (2, True)
