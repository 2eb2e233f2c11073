"""A file's rows while it comes in, in batches; a Parquet file, which ends with its table of contents, via the disk."""

import asyncio
import tempfile
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import IO, Any, Final, assert_never

import pyarrow as arrow
from pyarrow import parquet

from services.ingest.domain.file_import import Format
from services.ingest.protocols.import_rows import (
    USUAL,
    CsvRows,
    Layout,
    NdjsonRows,
    Row,
    Rows,
    UnreadableFile,
    value_row,
)

_BATCH: Final = 500
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_MAX_PIECE: Final = 256 * 1024
"""Of what a compressed piece becomes at once, however much is in it."""

_END: Final[Sequence[Row]] = ()


async def batches_of(
    file_format: Format, pieces: AsyncIterator[bytes], layout: Layout = USUAL
) -> AsyncGenerator[Sequence[Row]]:
    """All rows of the file in order, which may be compressed with gzip. Raises UnreadableFile."""
    pieces = _unpacked(pieces)
    match file_format:
        case Format.CSV:
            batches = _of_text(CsvRows(layout), pieces)
        case Format.NDJSON:
            batches = _of_text(NdjsonRows(), pieces)
        case Format.PARQUET:
            batches = _of_parquet(pieces)
        case _:
            assert_never(file_format)
    async for rows in batches:
        for at in range(0, len(rows), _BATCH):
            yield rows[at : at + _BATCH]


async def _unpacked(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The pieces as they are, or what was compressed in them: known by its first bytes, as clients seldom say it."""
    begin = b""
    async for piece in pieces:
        begin += piece
        if len(begin) >= len(_GZIP):
            break
    if not begin.startswith(_GZIP):
        yield begin
        async for piece in pieces:
            yield piece
        return
    inflating = _Inflating()
    for part in inflating.feed(begin):
        yield part
    async for piece in pieces:
        for part in inflating.feed(piece):
            yield part
    inflating.end()


class _Inflating:
    """Takes a gzip stream apart, of several members too."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What is in a piece, in parts of bounded size. Raises UnreadableFile."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_WINDOW)
            try:
                part = self._member.decompress(data, _MAX_PIECE)
            except zlib.error:
                raise UnreadableFile("its compression is damaged") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if part:
                yield part

    def end(self) -> None:
        """The file has ended. Raises UnreadableFile when its compression has not."""
        if not self._member.eof:
            raise UnreadableFile("it ends in the middle of its compression")


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
