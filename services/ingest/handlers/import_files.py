"""A file's rows while it comes in, in batches; a Parquet file, which ends with its table of contents, via the disk."""

import asyncio
import sys
import tempfile
import zlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Final, assert_never

from services.ingest.domain.file_import import ROWS_AT_ONCE, Format
from services.ingest.handlers import parquet_rows
from services.ingest.protocols.import_rows import (
    USUAL,
    CsvRows,
    Layout,
    NdjsonRows,
    Row,
    Rows,
    UnreadableFile,
)

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_MAX_PIECE: Final = 256 * 1024
"""Of what a compressed piece becomes at once, however much is in it."""
_PARQUET_ROWS: Final = (sys.executable, "-c", f"import {parquet_rows.__name__} as it, sys; sys.exit(it.main())")


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
        for at in range(0, len(rows), ROWS_AT_ONCE):
            yield rows[at : at + ROWS_AT_ONCE]


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
        if len(held) >= ROWS_AT_ONCE:
            yield held
            held = []
    yield [*held, *rows.end()]


async def _of_parquet(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Sequence[Row]]:
    with tempfile.TemporaryFile(prefix="tragt-import-") as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)
        file.seek(0)
        reading = await asyncio.create_subprocess_exec(*_PARQUET_ROWS, stdin=file, stdout=PIPE, stderr=PIPE)
        try:
            async for rows in _of_text(NdjsonRows(), _said(reading)):
                yield rows
        finally:
            if reading.returncode is None:
                reading.kill()
            await reading.wait()


async def _said(reading: Process) -> AsyncGenerator[bytes]:
    """What the process writes. Raises UnreadableFile with what it says of its end, if that is not a good one."""
    assert reading.stdout is not None and reading.stderr is not None  # noqa: S101, PT018 -- both are pipes
    while piece := await reading.stdout.read(_MAX_PIECE):
        yield piece
    why = (await reading.stderr.read()).decode(errors="replace").strip()
    if await reading.wait():
        raise UnreadableFile(why.rpartition("\n")[2] or "this Parquet file cannot be read")
