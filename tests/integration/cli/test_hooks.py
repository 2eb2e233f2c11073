"""``tragt hooks``: addresses are made, given their secrets, listed and ended, and a running ingest learns of each."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from services.cli.first_workspace import ensure_workspace
from services.ingest import store
from shared.database.access import find_workspace
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from tests.cli import tragt
from tests.ingest_process import running_ingest
from tests.waiting import wait_until

NOW = 1_700_000_000_000_000
_LEAD = {"lead_id": "l1", "google_key": "k-123", "user_column_data": [{"column_id": "EMAIL", "string_value": "a@b.dk"}]}
_TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"


@pytest.fixture
async def dsn(database: str, tmp_path: Path) -> str:
    """A database in which the first start has made the workspace ``default``."""
    await ensure_workspace(database, tmp_path, frozenset(), NOW)
    return database


def _listed(dsn: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tragt("hooks", "list", "--database", dsn, "--json").json["data"]
    return rows


def test_a_running_ingest_learns_of_hooks_their_secrets_and_their_end(dsn: str, tmp_path: Path) -> None:
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": dsn, "INGEST_LOG_DSN": dsn}) as running:
        running.wait_for(running.is_ready)
        made = tragt("hooks", "create", "google_ads", "--name", "Spring", "--database", dsn, "--json").json
        address = f"{running.address}{made['path']}"

        def answer() -> int:
            return httpx.post(address, json=_LEAD, timeout=20).status_code

        assert answer() == 401
        tragt("hooks", "secrets", address, "--secret", "google_key=k-123", "--database", dsn)
        assert answer() == 200
        assert tragt("hooks", "revoke", made["hook"], "--database", dsn, "--json").json == {"revoked": made["prefix"]}
        wait_until(lambda: answer() == 404, within_seconds=10, what="its end")

    (listed,) = _listed(dsn)
    assert (listed["prefix"], listed["provider"], listed["name"]) == (made["prefix"], "google_ads", "Spring")
    assert listed["revoked_at"] is not None


def test_an_address_is_printed_once_and_never_listed(dsn: str) -> None:
    made = tragt("hooks", "create", "meta", "--secret", "app_secret=s", "--address", "https://i.dk/", "--database", dsn)

    address = made.out.strip()
    assert address.startswith("https://i.dk/v1/hooks/meta/th_")
    more = tragt("hooks", "create", "meta", "--address", "https://i.dk", "--database", dsn, "--json").json
    assert more["address"] == f"https://i.dk{more['path']}"
    assert tragt("hooks", "create", "meta", "--database", dsn, "--json").json["address"] is None
    assert address.rpartition("_")[2] not in tragt("hooks", "list", "--database", dsn).out


def test_settings_are_json_or_text(dsn: str) -> None:
    tragt(
        "hooks",
        "create",
        "ses",
        "--setting",
        f"topic_arns={_TOPIC}",
        "--setting",
        "address=https://i.dk",
        "--database",
        dsn,
    )

    assert f"address=https://i.dk topic_arns={_TOPIC}" in tragt("hooks", "list", "--database", dsn).out
    assert _listed(dsn)[0]["settings"] == {"topic_arns": [_TOPIC], "address": "https://i.dk"}


def test_settings_are_put_in_place_and_a_mapped_hook_keeps_its_document(dsn: str, tmp_path: Path) -> None:
    document, sample = tmp_path / "d.json", tmp_path / "s.json"
    document.write_text("""{"mapping": {"kind": "'a_b'", "identity": {"email": "m"}}}""")
    sample.write_text('{"m": "ann@example.com"}')
    given = ("--document", str(document), "--sample", str(sample), "--database", dsn, "--json")
    made = tragt("hooks", "create", "mapped", *given).json

    told = tragt("hooks", "settings", made["hook"], "--setting", "address=https://i.dk", "--database", dsn, "--json")
    document_again = tragt("hooks", "settings", made["prefix"], "--setting", "document={}", "--database", dsn)

    assert told.json == {"prefix": made["prefix"]}
    assert _listed(dsn)[0]["settings"].keys() == {"document", "address"}
    assert (document_again.code, "/settings/document" in document_again.err) == (1, True)


@pytest.fixture
async def schema(dsn: str) -> str:
    """A database in whose workspace a schema warns of rooms other than B."""
    engine = create_engine(dsn, Role.INGEST_WORKER)
    document = msgspec.json.encode({"properties": {"properties": {"room": {"const": "B"}}}}).decode()
    try:
        async with writing(engine) as session:
            workspace = (await find_workspace(session, "default")).id
            await store.hold_schema(session, workspace, "meeting_booked", "warn", NOW)
            await store.add_version(session, workspace, "meeting_booked", 1, document, NOW)
            await store.put_in_force(session, workspace, "meeting_booked", 1)
    finally:
        await engine.dispose()
    return dsn


def test_trying_tells_what_the_schemas_would_say_where_there_is_a_database(schema: str, tmp_path: Path) -> None:
    document, sample = tmp_path / "hook.yaml", tmp_path / "sample.json"
    document.write_text(
        "mapping: {kind: \"'meeting_booked'\", identity: {email: mail}, properties: {room: room}}", encoding="utf-8"
    )
    sample.write_text('{"mail": "ann@example.com", "room": "A"}', encoding="utf-8")

    told = tragt("hooks", "try", str(document), str(sample), "--database", schema)
    (one,) = tragt("hooks", "try", str(document), str(sample), "--database", schema, "--json").json["data"]
    alone = tragt("hooks", "try", str(document), str(sample), "--data", str(tmp_path / "none"))

    assert (told.code, told.out.splitlines()[:2]) == (0, ["taken", 'warning: /properties/room: "B" was expected'])
    assert [warned["pointer"] for warned in one["warnings"]] == ["/properties/room"]
    assert (alone.code, "warning" in alone.out, "no schema was looked at" in alone.err) == (0, False, True)


def test_trying_names_what_the_mapping_found_nowhere(tmp_path: Path) -> None:
    document, sample = tmp_path / "hook.yaml", tmp_path / "sample.json"
    document.write_text("mapping: {kind: \"'a_b'\", identity: {email: mail, phone: tel}}", encoding="utf-8")
    sample.write_text('{"mail": "ann@example.com"}', encoding="utf-8")

    told = tragt("hooks", "try", str(document), str(sample), "--data", str(tmp_path / "none"))

    assert (told.code, told.out.splitlines()[-1]) == (0, "found in no item: /identity/phone")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "sendgird"), 1, "/provider: did you mean sendgrid? one of"),
        (("create", "meta", "--secret", "key=1"), 1, "/secrets/key: Meta lead ads has no key: one of"),
        (("create", "meta", "--secret", "key"), 2, "NAME=VALUE"),
        (("create", "meta", "--secret", "app_secret=..."), 1, "/secrets/app_secret: that stands for a secret"),
        (("create", "sendgrid", "--secret", "public_key=abc"), 1, "/secrets/public_key: it is the verification key"),
        (("create", "ses", "--setting", "topic_arns=mail"), 1, "/settings/topic_arns: a topic is arn:aws:sns"),
        (("create", "meta", "--workspace", "nobody"), 1, "nobody"),
        (("revoke", "th_0"), 1, "no such hook"),
        (("secrets", "meta/th_0_1"), 1, "no such hook"),
    ],
)
def test_mistakes_are_told(dsn: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    told = tragt("hooks", *arguments, "--database", dsn)

    assert told.code == code
    assert said in told.err


def test_providers_are_listed_with_what_they_need() -> None:
    rows = {row["provider"]: row for row in tragt("hooks", "providers", "--json").json["data"]}

    assert "public_key" in rows["sendgrid"]["secrets"]
    assert "topic_arns" in rows["ses"]["settings"]
    assert (rows["mailchimp"]["required"], rows["hubspot"]["required"]) == ([], ["client_secret"])
    told = tragt("hooks", "providers")
    assert "SendGrid" in told.out
    assert "[signing_secret]" in told.out
    assert "tragt hooks create mapped" in told.err


def test_a_hook_that_takes_nothing_yet_says_what_it_waits_for(dsn: str) -> None:
    waiting = tragt("hooks", "create", "hubspot", "--database", dsn)
    ready = tragt("hooks", "create", "hubspot", "--secret", "client_secret=s", "--database", dsn)
    needs_none = tragt("hooks", "create", "mailchimp", "--database", dsn)

    assert "Nothing is taken before it has its client_secret" in waiting.err
    assert "Nothing is taken" not in ready.err + needs_none.err
    assert tragt("hooks", "create", "hubspot", "--database", dsn, "--json").json["waits_for"] == ["client_secret"]
