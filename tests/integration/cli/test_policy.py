"""``tragt policy`` against a running ingest."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.ingest.bootstrap import opened
from tests.cli import Told, tragt
from tests.ingest_door import Keys, make_keys, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.waiting import wait_until


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


def test_policy_is_shown_as_it_is_set_and_in_force_within_two_seconds(
    ingest: IngestProcess, keys: Keys, tmp_path: Path
) -> None:
    def ask(*words: str) -> Told:
        return tragt("policy", *words, "--key", keys.secret, "--address", ingest.address)

    def is_left_out() -> bool:
        item = {"kind": "x", "identity": {"user_id": "u"}, "context": {"user_agent": "curl/8"}}
        answer = ingest.post("/v1/touchpoints", msgspec.json.encode(item), keys.write)
        return bool(msgspec.json.decode(answer.content)["rejected"])

    file = tmp_path / "policy.yaml"
    file.write_text("bots: drop\nchannels:\n- {name: portal, channel: referral, when: {source: portal}}\n")
    assert not is_left_out()

    assert ask("set", str(file)).code == 0

    wait_until(is_left_out, within_seconds=2, what="the policy is in force")
    shown = ask("show").out
    assert "bots: drop" in shown
    file.write_text(shown)
    assert ask("set", str(file), "--json").json["channels"][0]["name"] == "portal"


def test_regions_that_the_language_decides_are_told_of(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("consent: {regions: {EEA: required}}\n")

    told = tragt("policy", "set", str(file), "--key", keys.secret, "--address", ingest.address)

    assert (told.code, "the language of the browser decides" in told.out) == (0, True)


def test_what_is_no_policy_is_refused_with_the_reason(ingest: IngestProcess, keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"

    file.write_text("bots: eat\n")
    refused = tragt("policy", "set", str(file), "--key", keys.secret, "--address", ingest.address)
    file.write_text("- a list\n")
    no_object = tragt("policy", "set", str(file), "--key", keys.secret, "--address", ingest.address)

    assert (refused.code, "eat" in refused.err) == (2, True)
    assert (no_object.code, "is no policy" in no_object.err) == (2, True)
