"""``tragt import`` against a real ingest."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ingest.api import serving
from services.ingest.domain.file_import import Format
from shared.clock import to_text
from shared.http.guard import Guard, GuardLimits
from tests.cli import Told, tragt
from tests.ingest_door import OpenDoor, open_door
from tests.served import free_port, served
from tests.unit.ingest.protocols.exports import HEADER, sample

CSV = "kind,email,note\nVisit Booked,ann@example.com,a\nVisit Booked,,b\nVisit Booked,ann@example.com,a\n"


@pytest.fixture
async def door(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    async with open_door(database, admin_dsn) as opened:
        yield opened


async def run(door: OpenDoor, *arguments: str, key: str = "") -> Told:
    """The command in a thread of its own, while ingest is served in this one."""
    guard = Guard(GuardLimits(streamed=b"/v1/imports"))
    async with served(serving.application(door.own), guard) as port:
        where = ("--address", f"http://127.0.0.1:{port}", "--key", key or door.keys.secret)
        return await asyncio.to_thread(tragt, "import", *arguments, *where)


async def test_a_file_is_imported_and_refused_rows_are_told(door: OpenDoor, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(CSV)

    looked = await run(door, str(file), "--dry-run")
    assert await door.touchpoints() == []
    told = await run(door, str(file))

    assert (looked.code, told.code) == (1, 1)
    assert "3 rows: 2 would be taken, 1 refused; 1 is equal to an earlier row and counts beside it" in looked.out
    assert "3 rows: 2 are taken, 1 refused" in told.out
    assert "next: tragt rejected list --protocol import." in told.err
    assert ("this was import" in looked.err, "this was import" in told.err) == (False, True)
    assert "no_identity" in told.out
    assert "row 2: give a user id" in told.out
    assert [one.kind for one in await door.touchpoints()] == ["visit_booked"] * 2


async def test_equal_rows_with_an_id_of_their_own_are_one(door: OpenDoor, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("id,kind,email\n" + "v-1,Visit Booked,ann@example.com\n" * 2)

    told = await run(door, str(file))

    assert (told.code, "beside it" in told.out) == (0, False)
    assert "1 row is equal to an earlier one, its id too: rows of one id are one touchpoint" in told.out
    assert {one.id for one in await door.touchpoints()} == {"v-1"}


async def test_a_workbook_is_to_be_saved_as_csv(door: OpenDoor, tmp_path: Path) -> None:
    file = tmp_path / "visits.xlsx"
    file.write_bytes(b"PK")

    told = await run(door, str(file))

    assert (told.code, "save it as CSV (UTF-8)" in told.err) == (2, True)


async def test_a_mapping_is_a_yaml_file(door: OpenDoor, tmp_path: Path) -> None:
    file, mapping = tmp_path / "leads.txt", tmp_path / "leads.yaml"
    file.write_text("Mail;Firm\nann@example.com;Acme\n")
    mapping.write_text("kind: \"'demo_requested'\"\nidentity: {email: Mail}\ntraits: {company: Firm}\n")

    nameless = await run(door, str(file), "--mapping", str(mapping))
    told = await run(door, str(file), "--mapping", str(mapping), "--format", "csv", "--json")

    assert (nameless.code, "--format csv|ndjson|parquet" in nameless.err) == (2, True)
    assert (told.code, told.json["state"], told.json["accepted"]) == (0, "done", 1)


async def test_a_ready_mapping_is_taken_by_its_name(door: OpenDoor, tmp_path: Path) -> None:
    headings = tmp_path / "column_headers.tsv"
    headings.write_text("\t".join(HEADER) + "\n")
    feed = tmp_path / "hit_data.tsv"
    feed.write_bytes(sample("adobe-analytics"))

    listed = tragt("import", "--list")
    told = await run(
        door, str(feed), "--mapping", "adobe-analytics", "--header", str(headings), "--column", "email=post_evar5"
    )
    unknown = await run(door, str(feed), "--mapping", "adobe")
    alone = await run(door, str(feed), "--column", "email=post_evar5")

    assert (listed.code, "HubSpot, deals" in listed.out) == (0, True)
    assert (told.code, "6 rows: 4 are taken, 1 refused, 1 passed over" in told.out) == (1, True)
    assert len(await door.touchpoints()) == 5
    assert (unknown.code, "adobe is neither a file nor a ready mapping; see --list" in unknown.err) == (2, True)
    assert (alone.code, "--column goes with the --mapping of a ready one" in alone.err) == (2, True)


async def test_what_a_file_does_not_say_is_said_beside_any_mapping(door: OpenDoor, tmp_path: Path) -> None:
    beside = ("--zone", "Europe/Copenhagen", "--dates", "dmy", "--decimals", "comma", "--currency", "EUR")
    bare, own, mapping = tmp_path / "bare.csv", tmp_path / "own.csv", tmp_path / "own.yaml"
    bare.write_text("kind;email;occurred_at;amount\nOrder Completed;ann@example.com;4/5/2024 10:00;1.234,50\n")
    own.write_text("When;Mail;Sum\n4/5/2024 10:00;ann@example.com;1.234,50\n")
    mapping.write_text(
        "kind: \"'order_completed'\"\noccurred_at: When\nidentity: {email: Mail}\nvalue: {amount: Sum}\n"
    )

    refused = await run(door, str(bare))
    told = [await run(door, str(bare), *beside), await run(door, str(own), "--mapping", str(mapping), *beside)]

    assert refused.code == 1
    assert [one.code for one in told] == [0, 0]
    found = [one for one in await door.touchpoints() if one.value]
    assert [(to_text(one.occurred_at), one.value and one.value.amount) for one in found] == [
        ("2024-05-04T08:00:00Z", "1234.50")
    ] * 2


async def test_a_wrong_mapping_or_a_wrong_key_says_so(door: OpenDoor, tmp_path: Path) -> None:
    file, mapping = tmp_path / "leads.csv", tmp_path / "leads.yaml"
    file.write_text(CSV)
    mapping.write_text("kind: ']'\n")

    wrong = await run(door, str(file), "--mapping", str(mapping))
    refused = await run(door, str(file), key=door.keys.write)

    assert (wrong.code, wrong.err.startswith("/mapping/kind: ")) == (2, True)
    assert (refused.code, "an import takes a secret key with the scope ingest (the key of --key" in refused.err) == (
        5,
        True,
    )


async def test_an_import_goes_on_until_it_is_done_and_is_not_done_twice(door: OpenDoor, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(CSV)
    principal = door.own.access.authenticate([door.keys.secret])
    made = await serving.resources(door.own)["importer"].create(principal, file_format=Format.CSV)

    first = await run(door, str(file), "--continue", made.id)
    second = await run(door, str(file), "--continue", made.id)

    assert (first.code, "2 are taken" in first.out) == (1, True)
    assert (second.code, second.err.strip()) == (2, "this import is done; make another one")


async def test_a_service_that_is_away_for_a_moment_is_waited_for(door: OpenDoor, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(CSV)
    principal = door.own.access.authenticate([door.keys.secret])
    made = await serving.resources(door.own)["importer"].create(principal, file_format=Format.CSV)
    port = free_port()
    where = ("--address", f"http://127.0.0.1:{port}", "--key", door.keys.secret)

    importing = asyncio.create_task(asyncio.to_thread(tragt, "import", str(file), "--continue", made.id, *where))
    await asyncio.sleep(0.5)
    async with served(serving.application(door.own), Guard(GuardLimits(streamed=b"/v1/imports")), port):
        told = await importing

    assert (told.code, "does not answer" in told.err, "2 are taken" in told.out) == (1, True, True)
    assert len(await door.touchpoints()) == 2


@pytest.mark.parametrize("content", ["", "kind,email\n"])
async def test_a_file_without_rows_says_so(door: OpenDoor, tmp_path: Path, content: str) -> None:
    file = tmp_path / "none.csv"
    file.write_text(content)

    told = await run(door, str(file))

    assert (told.code, "there is no row in it" in told.out) == (0, True)


async def test_a_dry_run_shows_what_to_look_at_and_a_second_time_is_told(door: OpenDoor, tmp_path: Path) -> None:
    file, mapping = tmp_path / "leads.csv", tmp_path / "leads.yaml"
    file.write_text("Mail;When\nann@example.com;\nbo@example.com;2999-01-01\n")
    mapping.write_text("kind: \"'a_b'\"\noccurred_at: When\nidentity: {email: Mail, phone: Phone}\n")

    looked = await run(door, str(file), "--mapping", str(mapping), "--dry-run")
    await run(door, str(file), "--mapping", str(mapping))
    again = await run(door, str(file), "--mapping", str(mapping))

    assert "the mapping asks for columns that no row fills: Phone" in looked.out
    assert ("1 row without a time" in looked.out, "1 row with a time that is yet to come" in looked.out) == (True, True)
    assert '"email": "ann@example.com"' in looked.out
    assert "2 rows: 2 were there already, 0 refused" in again.out


def test_a_service_that_is_away_is_named(tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(CSV)

    told = tragt("import", str(file), "--address", "http://127.0.0.1:1", "--key", "ts_a_b")

    assert (told.code, "http://127.0.0.1:1 does not answer" in told.err) == (3, True)
