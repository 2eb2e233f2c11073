"""An import of a file: what was asked for, and how far it is."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from services.ingest.domain.refusal import Refusal

ROWS_AT_ONCE: Final = 500
"""So many rows are read and taken in one turn; then others have theirs."""

SHOWN: Final = 100
"""So many refused rows are named; all are kept as refused items, unless it was a dry run."""


class State(StrEnum):
    """Where an import is."""

    WAITING = "waiting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DONE = "done"


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


@dataclass(slots=True, kw_only=True)
class FileImport:
    """An import. Instants are microseconds; of ``row_count`` rows the outcome is durable.

    ``read_so_far`` is the digest of those rows: a file that is sent again to go on must begin with them. Once it has
    ended, ``missing`` are columns that its mapping asks for and no row fills, and ``same_as`` is the import that took
    the same rows before. Of the rows taken, some have no time, or one later than now (``early``), and happen as they
    arrive.
    """

    id: str
    name: str
    format: str
    mapping: dict[str, Any] | None
    is_dry_run: bool
    created_at: int
    updated_at: int
    state: str = State.WAITING
    detail: str = ""
    row_count: int = 0
    accepted_count: int = 0
    twin_count: int = 0
    read_so_far: str = ""
    timeless_count: int = 0
    early_count: int = 0
    missing: list[str] = field(default_factory=list)
    same_as: str = ""
    codes: dict[str, int] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, number: int, item_id: str, why: Refusal) -> None:
        """Count a refused row, and name it while there are few."""
        self.codes[why.code.value] = self.codes.get(why.code.value, 0) + 1
        if len(self.refused) < SHOWN:
            self.refused.append(
                {"row": number, "id": item_id, "code": why.code.value, "pointer": why.pointer, "detail": why.detail}
            )


_BY_TYPE: Final = {
    "text/csv": Format.CSV,
    "text/tab-separated-values": Format.CSV,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/vnd.apache.parquet": Format.PARQUET,
}
_BY_ENDING: Final = {
    "csv": Format.CSV,
    "tsv": Format.CSV,
    "ndjson": Format.NDJSON,
    "jsonl": Format.NDJSON,
    "parquet": Format.PARQUET,
}


def format_of(media_type: str, name: str) -> Format | None:
    """The format by the media type of a request, else by how the file is called."""
    media = media_type.partition(";")[0].strip().lower()
    return _BY_TYPE.get(media) or _BY_ENDING.get(name.lower().removesuffix(".gz").rpartition(".")[2])
