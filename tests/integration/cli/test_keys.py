from pathlib import Path

import pytest

from services.cli.first_workspace import ensure_workspace
from shared.access import KeyKind
from shared.clock import DAY, HOUR, ManualClock, to_text
from shared.database.access import load_keys
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from tests.cli import tragt

NOW = 1_700_000_000_000_000


@pytest.fixture
async def dsn(database: str, tmp_path: Path) -> str:
    """A database in which the first start has made the workspace ``default``."""
    await ensure_workspace(database, tmp_path, frozenset(), NOW)
    return database


def test_the_first_start_makes_two_keys_and_a_later_one_keeps_them(dsn: str) -> None:
    listed = tragt("keys", "list", "--database", dsn, "--json").json["data"]

    assert sorted((key["kind"], *key["scopes"]) for key in listed) == [
        ("secret", "admin", "ingest", "leads:read", "leads:write", "metrics:read"),
        ("write", "ingest"),
    ]
    assert {key["name"] for key in listed} == {"made by tragt up"}


def test_a_key_is_made_with_what_was_asked_for(dsn: str) -> None:
    made = tragt(
        *("keys", "create", "write", "--origin", "https://a.dk", "--protocol", "native", "--days", "30"),
        *("--database", dsn, "--json"),
        clock=ManualClock(NOW),
    ).json

    listed = {key["prefix"]: key for key in tragt("keys", "list", "--database", dsn, "--json").json["data"]}
    kept = listed[made["prefix"]]
    assert (kept["origins"], kept["protocol"], kept["expires_at"]) == (
        ["https://a.dk"],
        "native",
        to_text(NOW + 30 * DAY),
    )


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("https://Shop.Example:443/", "https://shop.example"),
        ("http://shop.example:8080", "http://shop.example:8080"),
        ("https://shop.example:*", "https://shop.example:*"),
    ],
)
def test_a_site_becomes_the_origin_that_browsers_send(dsn: str, said: str, origin: str) -> None:
    made = tragt("keys", "create", "write", "--origin", said, "--database", dsn, "--json").json

    listed = {key["prefix"]: key for key in tragt("keys", "list", "--database", dsn, "--json").json["data"]}
    assert listed[made["prefix"]]["origins"] == [origin]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("shop.example", "write https://shop.example"),
        ("https://shop.example/path", "write https://shop.example, without what follows the host"),
        ("https://*.shop.example", "write each of them out"),
        ("not a site", "write scheme and host"),
        ("ftp://shop.example", "write scheme and host"),
    ],
)
def test_what_no_browser_sends_is_no_origin(dsn: str, said: str, told: str) -> None:
    refused = tragt("keys", "create", "write", "--origin", said, "--database", dsn)

    assert (refused.code, told in refused.err) == (2, True), refused.err


def test_a_secret_key_sits_on_no_site(dsn: str) -> None:
    refused = tragt("keys", "create", "secret", "--scope", "ingest", "--origin", "https://a.dk", "--database", dsn)

    assert (refused.code, "leave --origin out" in refused.err) == (2, True), refused.err


def test_a_key_bound_to_kinds_is_listed_with_them_its_successor_too(dsn: str) -> None:
    words = ("keys", "create", "write", "--kind", "page_viewed", "--kind", "form_submitted", "--database", dsn)
    made = tragt(*words, "--json").json["prefix"]
    new = tragt("keys", "rotate", made, "--database", dsn, "--json").json["prefix"]

    rows = {key["prefix"]: key for key in tragt("keys", "list", "--database", dsn, "--json").json["data"]}
    assert rows[made]["kinds"] == rows[new]["kinds"] == ["form_submitted", "page_viewed"]
    told = tragt("keys", "create", "write", "--kind", "Page Viewed", "--database", dsn)
    assert (told.code, "'Page Viewed' is no kind" in told.err) == (2, True)


def test_a_key_has_a_name_its_successor_too(dsn: str) -> None:
    words = ("keys", "create", "write", "--database", dsn)
    made = tragt(*words, "--name", " shop website ", "--json").json["prefix"]
    new = tragt("keys", "rotate", made, "--database", dsn, "--json").json["prefix"]

    names = {row["prefix"]: row["name"] for row in tragt("keys", "list", "--database", dsn, "--json").json["data"]}
    assert names[made] == names[new] == "shop website"
    assert "shop website" in tragt("keys", "list", "--database", dsn).out
    told = [tragt(*words, "--name", name) for name in ("x" * 101, "a\nb", "\x1b[31m")]
    assert {(one.code, one.err) for one in told} == {(2, "a name is one line of at most 100 characters")}


def test_a_key_is_printed_once_and_never_listed(dsn: str) -> None:
    made = tragt("keys", "create", "secret", "--scope", "leads:read", "--database", dsn)

    assert made.out.startswith("ts_")
    assert made.out.strip() not in tragt("keys", "list", "--database", dsn).out


def test_a_secret_key_without_a_scope_is_a_mistake(dsn: str) -> None:
    told = tragt("keys", "create", "secret", "--database", dsn)

    assert told.code == 2
    assert "--scope of ingest, leads:read" in told.err


def test_a_write_key_takes_no_scope(dsn: str) -> None:
    told = tragt("keys", "create", "write", "--scope", "leads:read", "--database", dsn)

    assert (told.code, told.out) == (2, "")
    assert "make a secret key" in told.err


def test_whoever_holds_a_leaked_key_can_end_it_by_the_whole_of_it(dsn: str) -> None:
    made = tragt("keys", "create", "write", "--database", dsn, "--json").json

    told = tragt("keys", "revoke", made["key"], "--database", dsn)

    assert told.out.strip() == f"{made['prefix']} is revoked"
    again = tragt("keys", "revoke", made["key"], "--database", dsn)
    assert (again.code, made["key"] in again.err) == (1, False)


def test_a_key_is_limited_its_successor_too_and_let_go_again(dsn: str) -> None:
    made = tragt("keys", "create", "write", "--database", dsn, "--json").json["prefix"]

    told = tragt("keys", "limit", made, "50", "--database", dsn)
    new = tragt("keys", "rotate", made, "--database", dsn, "--json").json["prefix"]

    assert told.out.strip() == f"{made} may send 50 items a second"
    rows = tragt("keys", "list", "--database", dsn, "--json").json["data"]
    rates = {row["prefix"]: row["items_per_second"] for row in rows}
    assert (rates[made], rates[new]) == (50, 50)
    assert "as fast as any key" in tragt("keys", "limit", new, "0", "--database", dsn).out
    assert tragt("keys", "limit", "tw_none", "5", "--database", dsn).code == 1


def test_a_rotated_key_ends_after_the_overlap(dsn: str) -> None:
    old = tragt("keys", "create", "secret", "--scope", "admin", "--database", dsn, "--json").json["prefix"]

    new = tragt(
        "keys", "rotate", old, "--overlap-hours", "2", "--database", dsn, "--json", clock=ManualClock(NOW)
    ).json["prefix"]

    listed = {key["prefix"]: key for key in tragt("keys", "list", "--database", dsn, "--json").json["data"]}
    assert listed[old]["expires_at"] == to_text(NOW + 2 * HOUR)
    assert listed[new]["expires_at"] is None
    assert listed[new]["scopes"] == ["admin"]


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_a_key_that_is_not_there_is_named(dsn: str, command: str) -> None:
    told = tragt("keys", command, "tw_nothing1", "--database", dsn)

    assert (told.code, "tw_nothing1" in told.err) == (1, True)


def test_a_workspace_that_is_not_there_is_named(dsn: str) -> None:
    told = tragt("keys", "list", "--workspace", "south", "--database", dsn)

    assert (told.code, told.err) == (1, "there is no workspace 'south': name another with --workspace")


async def test_kept_keys_that_the_database_does_not_know_are_replaced(database: str, tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"workspace":"default","write_key":"tw_a_b","secret_key":"ts_a_b"}')

    keys, is_new = await ensure_workspace(database, tmp_path, frozenset(), NOW)
    again, is_new_again = await ensure_workspace(database, tmp_path, frozenset(), NOW)

    assert (is_new, is_new_again) == (True, False)
    assert again == keys


async def test_origins_of_a_later_start_are_added_to_the_write_key(database: str, tmp_path: Path) -> None:
    await ensure_workspace(database, tmp_path, frozenset({"https://a.dk"}), NOW)
    await ensure_workspace(database, tmp_path, frozenset({"https://b.dk"}), NOW)

    engine = create_engine(database, Role.INGEST_WORKER)
    async with writing(engine) as session:
        kept = {key.kind: key.origins for key in await load_keys(session)}
    await engine.dispose()
    assert kept == {KeyKind.WRITE: frozenset({"https://a.dk", "https://b.dk"}), KeyKind.SECRET: frozenset()}


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    told = tragt("keys", "list", "--database", "postgresql://tragt@/tragt?host=/nowhere")
    not_running = tragt("keys", "list", "--data", str(tmp_path))

    assert (told.code, "did not answer" in told.err) == (3, True)
    assert (not_running.code, "start it with `tragt up`" in not_running.err) == (3, True)
