"""Exports of other products with invented people, and what has to be said beside them."""

from pathlib import Path
from typing import Any, Final

from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols.import_items import RowReader, items_of_row
from services.ingest.protocols.import_ready import Ready, ready_of
from services.ingest.protocols.import_rows import CsvRows, RowIds
from services.ingest.protocols.outcome import Outcome
from tests.unit.ingest.protocols.arrivals import ARRIVAL

FOLDER: Final = Path(__file__).parent / "samples"
HEADER: Final = (FOLDER / "column_headers.tsv").read_text().rstrip("\n").split("\t")
BESIDE: Final[dict[str, dict[str, Any]]] = {
    "adobe-analytics": {"header": HEADER, "columns": {"email": "post_evar5"}},
    "hubspot-contacts": {"zone": "Europe/Copenhagen"},
    "hubspot-deals": {"zone": "Europe/Copenhagen"},
    "salesforce-contacts": {},
    "salesforce-leads": {"zone": "America/New_York", "dates": "mdy"},
    "salesforce-opportunities": {"zone": "America/New_York", "dates": "mdy"},
    "zoho-contacts": {},
    "zoho-deals": {"currency": "EUR"},
    "zoho-leads": {},
}
"""By the name of the mapping."""


def sample(name: str) -> bytes:
    """The export that stands for all of its kind."""
    return (FOLDER / ("hit_data.tsv" if name == "adobe-analytics" else f"{name}.csv")).read_bytes()


def ready(name: str, **other: Any) -> Ready:
    """A ready mapping with what is said beside it."""
    return ready_of({"ready": name, **BESIDE[name], **other}, exports())


def outcomes(name: str, content: bytes | None = None, **other: Any) -> list[Outcome]:
    """What becomes of every touchpoint in the rows of an export."""
    taken = ready(name, **other)
    rows, ids = CsvRows(taken.layout), RowIds()
    content = sample(name) if content is None else content
    read = rows.feed(content) + rows.end()
    items = [item for at, row in enumerate(read, 1) for item in items_of_row(taken, at, ids.id_of(row), row)]
    return [RowReader("i", None).read(item, ARRIVAL, may_hold_nul=False) for item in items]
