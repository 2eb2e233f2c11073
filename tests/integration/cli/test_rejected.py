"""``tragt rejected`` against a running ingest: what was refused is found, mended, and taken."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from services.ingest.bootstrap import opened
from tests.cli import Told, tragt
from tests.ingest_door import Keys, make_keys, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.waiting import wait_until


@pytest.fixture
async def keys(database: str) -> AsyncIterator[Keys]:
    async with opened(settings_for(database)) as own:
        yield await make_keys(own)


@pytest.fixture
def ingest(tmp_path: Path, database: str, keys: Keys) -> Iterator[IngestProcess]:
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        bad = {"id": "bad-1", "kind": "Bad Kind", "identity": {"user_id": "u"}}
        assert running.post("/v1/touchpoints", msgspec.json.encode(bad), keys.write).status_code == 422
        yield running


def test_many_are_mended_by_one_patch(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    def ask(*words: str) -> Told:
        return tragt("rejected", *words, "--key", keys.secret, "--address", ingest.address)

    wait_until(lambda: "bad-1" in ask("list").out, within_seconds=20, what="the refused item is kept")
    patch = tmp_path / "patch.json"
    patch.write_text('{"kind": "good_kind"}')

    looked = ask("fix-many", "--code", "invalid_kind", "--patch", str(patch), "--dry-run")
    assert (looked.code, "good_kind" in looked.out, looked.err.strip()) == (0, True, "1 would be taken")
    assert "bad-1" in ask("list", "--state", "waiting", "--protocol", "native", "--refused-by", "ingest").out
    fixed = ask("fix-many", "--code", "invalid_kind", "--patch", str(patch), "--json").json
    assert (fixed["accepted"], fixed["data"][0]["refused"]) == (1, None)
    assert ask("list", "--state", "waiting").err.strip() == "nothing was refused"
    assert "bad-1" in ask("list", "--since", "2020-01-01T00:00:00Z", "--state", "taken").out


def test_one_is_mended_by_a_mapping_and_shown_as_an_object(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    def ask(*words: str) -> Told:
        return tragt("rejected", *words, "--key", keys.secret, "--address", ingest.address)

    wait_until(lambda: "bad-1" in ask("list").out, within_seconds=20, what="the refused item is kept")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("kind: snake(kind)")

    shown = ask("show", "bad-1", "--json").json
    assert (shown["payload"]["kind"], shown["payload_encoding"]) == ("Bad Kind", "json")
    assert "bad-1" in ask("list", "--from-key", keys.write).out
    assert "2026-11-25T09:30:00Z" in ask("list", "--since", "foo").err
    assert "did you mean invalid_kind?" in ask("list", "--code", "invalid_knd").err
    looked = ask("fix", "bad-1", "--mapping", str(mapping), "--dry-run", "--json").json["data"][0]
    assert (looked["before"]["kind"], looked["payload"]["kind"]) == ("Bad Kind", "bad_kind")
    mapping.write_text('{"kind": "kind"}')
    still = ask("fix", "bad-1", "--mapping", str(mapping), "--dry-run")
    assert (still.code, "invalid_kind at /kind" in still.out, "1 would still be refused" in still.err) == (
        1,
        True,
        True,
    )
    mapping.write_text('{"kind": "snake(kind)"}')
    assert ask("fix", "bad-1", "--mapping", str(mapping)).err.strip() == "1 taken"
    assert (ask("fix", "bad-1", "--mapping", str(mapping)).code, ask("fix", "bad-1").code) == (1, 2)
    assert ask("fix-many").code == 2


def test_what_was_refused_is_listed_shown_mended_and_taken(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    def ask(*words: str) -> Told:
        return tragt("rejected", *words, "--key", keys.secret, "--address", ingest.address)

    wait_until(lambda: "bad-1" in ask("list").out, within_seconds=20, what="the refused item is kept")
    assert ask("list", "--code", "not_json").err.strip() == "nothing was refused"
    assert "Bad Kind" in ask("show", "bad-1").out

    again = ask("replay", "bad-1")
    assert (again.code, "invalid_kind at /kind" in again.err) == (1, True)
    assert ask("replay").code == 2
    assert ask("replay", "--code", "invalid_kind", "--json").code == 1

    mended = tmp_path / "mended.json"
    mended.write_text('{"id": "bad-1", "kind": "good_kind", "identity": {"user_id": "u"}}')
    looked = ask("fix", "bad-1", str(mended), "--dry-run")
    assert (looked.code, "good_kind" in looked.out, looked.err.strip()) == (0, True, "1 would be taken")
    assert "say how once" in ask("fix", "bad-1", str(mended), "--patch", str(mended)).err
    assert ask("fix", "bad-1", str(mended), "--json").json == {"accepted": 1, "refused": []}
    mended.write_text("{")
    assert "is not JSON" in ask("fix", "bad-1", str(mended)).err
