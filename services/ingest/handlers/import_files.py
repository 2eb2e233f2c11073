"""A file's rows while it comes in, in batches; a Parquet file, which ends with its table of contents, via the disk."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import IO, Any, Final, assert_never

import pyarrow as arrow
from pyarrow import parquet

from services.ingest.domain.file_import import Format
from services.ingest.protocols.import_rows import CsvRows, NdjsonRows, Row, Rows, UnreadableFile, value_row

_BATCH: Final = 500
_END: Final[Sequence[Row]] = ()


async def batches_of(file_format: Format, pieces: AsyncIterator[bytes]) -> AsyncGenerator[Sequence[Row]]:
    """All rows of the file in order. Raises UnreadableFile."""
    match file_format:
        case Format.CSV:
            batches = _of_text(CsvRows(), pieces)
        case Format.NDJSON:
            batches = _of_text(NdjsonRows(), pieces)
        case Format.PARQUET:
            batches = _of_parquet(pieces)
        case _:
            assert_never(file_format)
    async for rows in batches:
        for at in range(0, len(rows), _BATCH):
            yield rows[at : at + _BATCH]


async def _of_text(rows: Rows, pieces: AsyncIterator[bytes]) -> AsyncGenerator[Sequence[Row]]:
    held: list[Row] = []
    async for piece in pieces:
        held += rows.feed(piece)
        if len(held) >= _BATCH:
            yield held
            held = []
    yield [*held, *rows.end()]


async def _of_parquet(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Sequence[Row]]:
    with tempfile.TemporaryFile(prefix="tragt-import-") as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)
        file.seek(0)
        groups = await asyncio.to_thread(_opened, file)
        while rows := await asyncio.to_thread(next, groups, _END):
            yield rows


def _opened(file: IO[bytes]) -> Iterator[Sequence[Row]]:
    try:
        return _rows_of(parquet.ParquetFile(file))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(f"this is no Parquet file: {error}") from None


def _rows_of(table: Any) -> Iterator[Sequence[Row]]:
    try:
        for batch in table.iter_batches(batch_size=_BATCH):
            yield [value_row(row) for row in batch.to_pylist()]
    except (arrow.ArrowException, OSError, TypeError, ValueError) as error:
        raise UnreadableFile(f"this Parquet file holds what has no place in JSON: {error}") from None
