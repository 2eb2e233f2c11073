"""``tragt costs`` against a real metrics."""

import asyncio
from pathlib import Path

from shared.http.guard import Guard, GuardLimits
from tests.cli import Told, tragt
from tests.integration.metrics.conftest import Desk
from tests.integration.metrics.conftest import desk as desk  # noqa: PLC0414  (a fixture)
from tests.served import served

GOOGLE = """Report
Day,Campaign,Campaign ID,Currency code,Impr.,Clicks,Cost
{days}
Total: Account, --, --,EUR,1,1,1
"""


async def run(desk: Desk, *arguments: str, key: str = "") -> Told:
    """The command in a thread of its own, while metrics is served in this one."""
    async with served(desk.app, Guard(GuardLimits())) as port:
        where = ("--address", f"http://127.0.0.1:{port}", "--key", key or desk.key)
        return await asyncio.to_thread(tragt, "costs", *arguments, *where)


def export(folder: Path, cost: str = "1.50") -> Path:
    """A report of 300 ad days, which is more than one request takes."""
    file = folder / "report.csv"
    days = [f"2026-{month:02}-{day:02},Spring,7,EUR,10,1,{cost}" for month in range(1, 11) for day in range(1, 29)]
    days += [f"2026-11-{day:02},Autumn,8,EUR,10,1,2" for day in range(1, 21)]
    file.write_text(GOOGLE.format(days="\n".join(days)))
    return file


async def test_a_file_changes_something_once_and_a_corrected_one_corrects(desk: Desk, tmp_path: Path) -> None:
    file = str(export(tmp_path))

    looked = await run(desk, "import", file, "--mapping", "google-ads", "--dry-run")
    nothing = await run(desk, "list", "--from", "2026-01-01", "--to", "2027-01-01", "--json")
    first = await run(desk, "import", file, "--mapping", "google-ads")
    again = await run(desk, "import", file, "--mapping", "google-ads")
    mended = await run(desk, "import", str(export(tmp_path, "1.51")), "--mapping", "google-ads", "--json")

    assert (looked.code, nothing.json["groups"]) == (0, [])
    assert "301 rows: 300 costs, 460.00 EUR; 0 refused, 1 totals passed over\n" in looked.out
    assert "300 changed, 0 unchanged" in first.out
    assert (again.code, "0 changed, 300 unchanged" in again.out) == (0, True)
    assert (mended.json["changed"], mended.json["unchanged"], mended.json["spent"]) == (280, 20, {"EUR": "462.80"})


async def test_what_was_spent_is_a_table(desk: Desk, tmp_path: Path) -> None:
    await run(desk, "import", str(export(tmp_path)), "--mapping", "google-ads")

    told = await run(desk, "list", "--from", "2026-10-28", "--to", "2026-11-03", "--by", "source,campaign")

    lines = [line.split() for line in told.out.splitlines() if line.strip()]
    assert lines[0] == [
        "source",
        "campaign",
        "campaign",
        "name",
        "currency",
        "cost",
        "impressions",
        "clicks",
        "conversions",
    ]
    assert lines[2:] == [
        ["google", "7", "Spring", "EUR", "1.5", "10", "1", "0"],
        ["google", "8", "Autumn", "EUR", "4", "20", "2", "0"],
    ]


async def test_where_nothing_was_spent_no_empty_table_is_shown(desk: Desk) -> None:
    told = await run(desk, "list")

    assert (told.out, told.err.strip()) == ("", "no costs of these days are known")


async def test_refused_rows_are_told_and_the_others_taken(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("date,source,currency,cost\n2026-05-01,radio,EUR,5\n1/5/2026,radio,EUR,5\n")

    told = await run(desk, "import", str(file), "--mapping", "neutral")
    cured = await run(desk, "import", str(file), "--mapping", "neutral", "--dates", "mdy")

    assert (told.code, "1 of 2 rows were refused" in told.err) == (1, True)
    assert "1 changed, 0 unchanged" in told.out
    assert "invalid_instant" in told.out
    assert (cured.code, "1 changed, 1 unchanged" in cured.out) == (0, True)


async def test_a_file_or_a_mapping_that_is_another_is_named(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("a,b\n1,2\n")

    unknown = await run(desk, "import", str(file), "--mapping", "bing")
    other = await run(desk, "import", str(file), "--mapping", "neutral")
    unkeyed = await run(desk, "list", key="ts_wrong")

    assert (unknown.code, "google-ads" in unknown.err) == (2, True)
    assert (other.code, "no line of the file names a day (date)" in other.err) == (2, True)
    assert unkeyed.code == 5
