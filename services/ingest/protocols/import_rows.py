"""The rows of a file, piece by piece as it comes: CSV with a header, or one JSON object a line.

A row's id is the hash of the row and its ordinal among identical rows of the file, so that the same file, or the part
of another that repeats it, changes nothing, while two equal rows of one file stay two (core 1).
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from services.ingest.domain.refusal import Refusal
from services.ingest.protocols.reading import why_not_json
from shared.vocabulary import Code

MAX_ROW_BYTES: Final = 256 * 1024
"""Of one row as it stands in the file; beyond it there is most likely an open quote."""

_DELIMITERS: Final = ",;\t|"
_MARK: Final = b"\xef\xbb\xbf"
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV file is laid out where it is not as usual."""

    delimiter: str = ""
    """Empty when the first line tells it."""

    is_escaped: bool = False
    """A backslash takes what follows as it is, even a line's end, and quotes are letters (Adobe's data feeds)."""

    encoding: str = ""
    """Of lines that are not UTF-8."""

    columns: tuple[str, ...] = ()
    """Their names, of a file whose first line is a row already."""


USUAL: Final = Layout()


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it says, or why it cannot be read. ``raw`` is its content, whatever its columns' order."""

    raw: bytes
    value: Mapping[str, Any] | None
    refusal: Refusal | None = None


class Rows(Protocol):
    """Takes pieces of a file, gives the rows that are complete."""

    def feed(self, piece: bytes) -> list[Row]:
        """The rows that end in this piece. Raises UnreadableFile."""
        ...

    def end(self) -> list[Row]:
        """What is left when the file ends. Raises UnreadableFile."""
        ...


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says why."""


class NdjsonRows:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_first = True

    def feed(self, piece: bytes) -> list[Row]:
        """The rows that end in this piece. Raises UnreadableFile."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        _check_length(self._rest)
        return self._rows(lines)

    def end(self) -> list[Row]:
        """What is left when the file ends."""
        rest, self._rest = self._rest, b""
        return self._rows([rest])

    def _rows(self, lines: Iterable[bytes]) -> list[Row]:
        rows = []
        for line in lines:
            text = (line.removeprefix(_MARK) if self._is_first else line).strip()
            self._is_first = False
            if text:
                rows.append(_json_row(text))
        return rows


class CsvRows:
    """Comma-separated values (or semicolons, tabs, bars), the first line names the columns."""

    def __init__(self, layout: Layout = USUAL) -> None:
        self._layout = layout
        self._text = _Utf8()
        self._rest = b""
        self._is_quoted = False
        self._dialect: type[csv.Dialect] | None = None
        self._columns: list[str] = list(layout.columns)

    def feed(self, piece: bytes) -> list[Row]:
        """The rows that end in this piece. Raises UnreadableFile.

        A line's end is a row's end unless it stands within quotes, that is, after an odd number of them; or, where
        letters are escaped, after an odd number of backslashes.
        """
        piece = self._text.feed(piece)
        if self._layout.is_escaped:
            return self._escaped(piece)
        complete = 0
        begin = len(self._rest)
        text = self._rest + piece
        while (end := text.find(b"\n", begin)) >= 0:
            self._is_quoted ^= text.count(b'"', begin, end) % 2 == 1
            begin = end + 1
            if not self._is_quoted:
                complete = begin
        self._is_quoted ^= text.count(b'"', begin) % 2 == 1
        self._rest = text[complete:]
        _check_length(self._rest)
        return self._rows(text[:complete])

    def end(self) -> list[Row]:
        """What is left when the file ends. Raises UnreadableFile."""
        rest, self._rest = self._rest + self._text.end(), b""
        return self._rows(rest)

    def _escaped(self, piece: bytes) -> list[Row]:
        complete, begin = 0, len(self._rest)
        text = self._rest + piece
        while (end := text.find(b"\n", begin)) >= 0:
            begin = end + 1
            line = text[complete:end]
            if (len(line) - len(line.rstrip(b"\\"))) % 2 == 0:
                complete = begin
        self._rest = text[complete:]
        _check_length(self._rest)
        return self._rows(text[:complete])

    def _rows(self, data: bytes) -> list[Row]:
        try:
            lines: Iterator[list[str]] = iter(self._parsed(data))
            if not self._columns:
                self._columns = [name.strip() for name in next(lines, [])]
            return [self._row(fields) for fields in lines if any(fields)]
        except UnicodeDecodeError:
            raise UnreadableFile("a CSV file is UTF-8 or UTF-16 here; save it as such") from None
        except csv.Error as error:
            raise UnreadableFile(f"this is no CSV: {error}") from None

    def _parsed(self, data: bytes) -> Iterable[list[str]]:
        text = _decoded(data if self._dialect else data.removeprefix(_MARK), self._layout.encoding)
        if not text:
            return ()
        if self._dialect is None:
            self._dialect = _dialect_of(text.partition("\n")[0], self._layout)
        return csv.reader(io.StringIO(text, newline=""), self._dialect)

    def _row(self, fields: list[str]) -> Row:
        value = {name: text for name, text in zip(self._columns, fields, strict=False) if name and text != ""}
        if len(fields) > len(self._columns):
            detail = f"it has {len(fields)} fields, and the first line names {len(self._columns)}"
            return Row(_ENCODER.encode(fields), None, Refusal(Code.TOO_MANY_ITEMS, "", detail))
        return Row(_ENCODER.encode(value), value)


class RowIds:
    """Ids of a file's rows, given in the file's order. Remembers 16 bytes of each different row."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._all = hashlib.blake2b(digest_size=16, person=b"tragt-file")
        self.twins = 0
        """How many rows were there before."""

    def id_of(self, row: Row) -> str:
        """The id of the next row."""
        digest = _digest(row.raw)
        ordinal = self._counts.get(digest, 0)
        self._counts[digest] = ordinal + 1
        self._all.update(digest)
        self.twins += ordinal > 0
        return _id(digest, ordinal)

    def so_far(self) -> str:
        """The same for the same rows in the same order; tells whether a file that is sent again is the same."""
        return self._all.copy().hexdigest()


def row_id(row: Row, ordinal: int) -> str:
    """The id of a row that stands in its file after so many that are equal to it."""
    return _id(_digest(row.raw), ordinal)


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16, person=b"tragt-row").digest()


def _id(digest: bytes, ordinal: int) -> str:
    return f"row-{digest.hex()}-{ordinal}"


def row_of(payload: bytes, *, is_text: bool) -> Row:
    """A row of which only its content is left, or what it was repaired to, as its file would have it.

    ``is_text`` where that is a file of texts, in which what is empty is not there.
    """
    row = _json_row(payload)
    if row.value is None or not is_text:
        return row
    said = {name: _text(one) for name, one in row.value.items() if one not in (None, "")}
    return row if said == row.value else Row(_ENCODER.encode(said), said)


def _text(value: Any) -> Any:
    return _ENCODER.encode(value).decode() if isinstance(value, bool | int | float) else value


def value_row(value: Mapping[str, Any]) -> Row:
    """A row of a file that has types of its own (Parquet)."""
    said = {name: one for name, one in value.items() if one is not None}
    return Row(_ENCODER.encode(said), said)


def _json_row(text: bytes) -> Row:
    try:
        value = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Row(text, None, why_not_json(text))
    if not isinstance(value, dict):
        return Row(text, None, Refusal(Code.NOT_AN_OBJECT, "", "a row is a JSON object"))
    try:
        return Row(_ENCODER.encode(value), value)
    except (OverflowError, RecursionError):
        return Row(text, value)


class _Utf8:
    """Text that begins with the mark of UTF-16 as UTF-8; all other text as it is."""

    def __init__(self) -> None:
        self._begin = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_begun = False

    def feed(self, piece: bytes) -> bytes:
        """The next piece. Raises UnreadableFile."""
        if self._is_begun:
            return self._decoded(piece)
        self._begin += piece
        if len(self._begin) < len(codecs.BOM_UTF16):
            return b""
        self._is_begun = True
        begin, self._begin = self._begin, b""
        if not begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return begin
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        return self._decoded(begin)

    def end(self) -> bytes:
        """What is left. Raises UnreadableFile."""
        begin, self._begin = self._begin, b""
        return begin + self._decoded(b"", is_last=True)

    def _decoded(self, piece: bytes, *, is_last: bool = False) -> bytes:
        try:
            return self._decoder.decode(piece, is_last).encode() if self._decoder else piece
        except UnicodeError:
            raise UnreadableFile("this is no UTF-16, though it begins as such") from None


def _decoded(data: bytes, otherwise: str) -> str:
    """Line by line, so that a row reads the same whatever comes with it. Raises UnicodeDecodeError."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        if not otherwise:
            raise
    return "\n".join(_line(one, otherwise) for one in data.split(b"\n"))


def _line(data: bytes, otherwise: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(otherwise)


def _dialect_of(header: str, layout: Layout) -> type[csv.Dialect]:
    """By the layout, else by the delimiter that the first line has most of."""

    class Found(csv.excel):
        delimiter = layout.delimiter or max(_DELIMITERS, key=header.count)
        strict = True

    class Escaped(Found):
        quoting = csv.QUOTE_NONE
        quotechar = None
        escapechar = "\\"

    return Escaped if layout.is_escaped else Found


def _check_length(rest: bytes) -> None:
    if len(rest) > MAX_ROW_BYTES:
        raise UnreadableFile(f"a row is longer than {MAX_ROW_BYTES} bytes; is a quote left open?")
