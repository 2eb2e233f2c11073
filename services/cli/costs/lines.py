"""The lines of a cost export, whatever it is written in: CSV or TSV with a preamble, or the JSON of an API."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.ingest.protocols.import_ready import plain_heading

_DELIMITERS: Final = ",;\t|"
_PREAMBLE: Final = 50
"""Lines among which the header is looked for."""

_EMPTY: Final = frozenset({"", "-", "--", "—"})
_FEW: Final = re.compile(r"<\s*\d+%?")
"""A count too small to be told: <5."""

_HEADING_CURRENCY: Final = re.compile(r"(.+?)\s*\(([A-Z]{3})\)")
_URN: Final = re.compile(r"urn:li:(\w+):(.+)")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class UnreadableExport(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file by the plain form of its headings, without empty cells.

    ``currency`` is the one that a heading names: *Amount spent (USD)*. ``headings`` are all of a table.
    """

    number: int
    cells: Mapping[str, str]
    headings: frozenset[str] = frozenset()
    currency: str = ""
    is_too_long: bool = False


def is_json(text: str) -> bool:
    """Whether it is an API's answer and no table."""
    return text.lstrip()[:1] in {"{", "["}


def text_of(data: bytes) -> str:
    """The file's text, UTF-8 or with its mark UTF-16. Raises UnreadableExport."""
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableExport("the file is neither UTF-8 nor UTF-16; save it as such") from None


@dataclass(frozen=True, slots=True)
class Table:
    """A file with a header: the texts above it, and the lines below. Reading them raises UnreadableExport."""

    preamble: Sequence[str]
    lines: Iterator[Line]


def table_of(text: str, days: Sequence[str], costs: Sequence[str]) -> Table:
    """The header is the first line that names a day and a cost. Raises UnreadableExport."""
    wanted = [{plain_heading(one) for one in headings} for headings in (days, costs)]
    why = f"no line of the file names a day ({', '.join(days)}) and a cost ({', '.join(costs)}): is it of this mapping?"
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        preamble = list[str]()
        try:
            for fields in reader:
                headings = [_heading(one) for one in fields]
                if all(any(name in names for name, _currency in headings) for names in wanted):
                    return Table(preamble, _below(reader, headings))
                if reader.line_num > _PREAMBLE:
                    break
                preamble.append(delimiter.join(fields))
        except csv.Error as error:
            why = _no_csv(reader, error)  # unless it is one by another delimiter
    raise UnreadableExport(why)


def json_lines(text: str, paths: Sequence[Sequence[str]]) -> Iterator[Line]:
    """The rows of one answer, of a list of answers, or of one a line; ``paths`` lead to them.

    Raises UnreadableExport.
    """
    rows = (row for document in _documents(text) for row in _rows(document, paths))
    try:
        for number, row in enumerate(rows, 1):
            cells = {plain_heading(name): said for name, value in _flat("", row) if (said := _cell(value))}
            yield Line(number, cells)
    except RecursionError:
        raise UnreadableExport("it is nested deeper than any platform's answers are") from None


def _below(reader: Any, headings: Sequence[tuple[str, str]]) -> Iterator[Line]:
    all_of_them = frozenset(name for name, _currency in headings)
    named = next((currency for _name, currency in headings if currency), "")
    try:
        for fields in reader:
            cells = dict[str, str]()
            for (name, _currency), text in zip(headings, fields, strict=False):
                if name and (said := _cell(text)):
                    cells.setdefault(name, said)
            if cells:
                yield Line(reader.line_num, cells, all_of_them, named, is_too_long=any(fields[len(headings) :]))
    except csv.Error as error:
        raise UnreadableExport(_no_csv(reader, error)) from None


def _no_csv(reader: Any, error: csv.Error) -> str:
    return f"line {reader.line_num} is no CSV: {error}"


def _heading(text: str) -> tuple[str, str]:
    found = _HEADING_CURRENCY.fullmatch(text.strip())
    return (plain_heading(found[1]), found[2]) if found else (plain_heading(text), "")


def _cell(value: Any) -> str:
    text = str(value).strip()
    return "" if value is None or text in _EMPTY or _FEW.fullmatch(text) else text


def _documents(text: str) -> list[Any]:
    try:
        return [_DECODER.decode(text)]
    except (msgspec.MsgspecError, RecursionError, ArithmeticError):
        pass
    try:
        return [_DECODER.decode(line) for line in text.splitlines() if line.strip()]
    except (msgspec.MsgspecError, RecursionError, ArithmeticError) as error:
        raise UnreadableExport(f"this is neither JSON nor one JSON object a line: {error}") from None


def _rows(document: Any, paths: Sequence[Sequence[str]]) -> list[Any]:
    if isinstance(document, list):
        return [row for one in document for row in _rows(one, paths)]
    for path in paths:
        found = document
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, list):
            return found
    return [document]


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a row under a dotted name; what stands in lists, under what it says it is.

    A day in parts is one value, an action stands under its type, and a URN of LinkedIn under its kind.
    """
    if isinstance(value, dict) and value.keys() == {"year", "month", "day"}:
        yield name, "-".join(str(value[part]).zfill(2) for part in ("year", "month", "day"))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for one in value:
            urn = _URN.fullmatch(one) if isinstance(one, str) else None
            if urn:
                yield f"{name}.{urn[1]}", urn[2]
            elif isinstance(one, dict) and "action_type" in one:
                yield f"{name}.{one['action_type']}", one.get("value")
    else:
        yield name, value
