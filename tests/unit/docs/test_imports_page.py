"""What the page about imports shows is read as it says."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from services.ingest.domain.file_import import Format
from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols.import_items import RowReader, numbered
from services.ingest.protocols.import_ready import Asked
from services.ingest.protocols.import_rows import MAX_ROW_BYTES, CsvRows
from services.ingest.protocols.mapping import compiled
from shared.contracts.touchpoint import Touchpoint
from tests.unit.ingest.protocols.arrivals import ARRIVAL, taken

PAGE = Path("docs/connect/imports.md").read_text()


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def touchpoints(text: str, mapping: str = "") -> list[Touchpoint]:
    reader = RowReader("i", compiled(yaml.safe_load(mapping)) if mapping else None)
    rows = CsvRows()
    read = rows.feed(text.encode()) + rows.end()
    items = [numbered(at, f"r{at}", row) for at, row in enumerate(read, 1)]
    return [taken(reader.read(item, ARRIVAL, may_hold_nul=False)) for item in items]


def test_columns() -> None:
    first, second = touchpoints(block("columns"))

    assert (first.kind, first.value and first.value.amount) == ("order_completed", "129.00")
    assert bytes(second.properties) == b'{"sku":"A-2"}'


def test_mapping() -> None:
    (visit,) = touchpoints(block("mapped"), block("mapping"))

    assert (visit.kind, visit.channel, len(visit.keys)) == ("demo_requested", "event", 2)
    assert (visit.traits["company"], b"Hannover" in bytes(visit.properties)) == ("Acme", True)


@pytest.mark.parametrize("word", [*Format, f"{MAX_ROW_BYTES // 1024} KiB"])
def test_words_and_numbers(word: str) -> None:
    assert word in PAGE.replace("NDJSON", "ndjson").replace("CSV", "csv").replace("Parquet", "parquet")


def test_every_ready_mapping_and_all_that_is_said_beside_it() -> None:
    beside = {one.name for one in msgspec.structs.fields(Asked)} - {"ready"}

    assert [name for name in (*exports(), *beside) if f"`{name}`" not in PAGE] == []


def test_the_page_of_adobe_names_columns_that_are_read() -> None:
    page = Path("docs/connect/adobe-analytics.md").read_text()
    known = {heading for one in exports()["adobe-analytics"].columns.values() for heading in one.of}
    named = set(re.findall(r"`((?:post|hitid|cust|hit|exclude)_[a-z_]+)`", page)) - {"hit_data", "post_"}

    assert named <= known | {"post_evar5"}
