"""Ready mappings: how another product's export becomes touchpoints, one declarative document for each.

A document names the columns it reads by every heading they are known under, what they are (``import_cells``), and one
mapping (``mapping``) for each touchpoint that a row may amount to. docs/connect/imports.md lists them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from services.ingest.protocols.import_cells import CELLS, Dates, Decimals, Habits
from services.ingest.protocols.import_rows import Layout
from services.ingest.protocols.mapping import InvalidMapping, compiled, fault_of, native_of
from services.ingest.protocols.mapping import Mapping as Mapped

_MAX_HEADINGS: Final = 5_000
_TOTAL: Final = re.compile(r"(grand |sub)?totals?( \(.*\))?", re.IGNORECASE)
_WHO: Final = re.compile(r"\S+@\S+|[A-Za-z0-9]{15,18}")


class _Column(msgspec.Struct, forbid_unknown_fields=True):
    of: list[str]
    type: Literal["text", "instant", "number", "flag", "unix", "salesforce_id", "products_total"] = "text"


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    columns: dict[str, list[str] | _Column]
    touchpoints: list[dict[str, Any]]
    delimiter: str = ""
    is_escaped: bool = False
    encoding: str = ""
    has_notes: bool = False
    """Whether there are rows that are none: totals, and lines with one text alone."""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """Which mapping an import takes, if any, and what its file does not say itself."""

    ready: str = ""
    own: dict[str, Any] | None = None
    """A mapping of one's own."""

    zone: str = "UTC"
    """Of instants without an offset."""

    dates: Dates | None = None
    decimals: Decimals = "point"
    currency: str = ""
    """Of amounts in a file that has no column for it."""

    columns: dict[str, str] = {}
    """Headings of the file for columns of the mapping, where they are others than it knows."""

    header: list[str] = []
    """The columns' names, of a file whose first line does not name them."""


@dataclass(frozen=True, slots=True)
class Export:
    """A ready mapping, compiled. Made by ``export_of``."""

    title: str
    columns: Mapping[str, _Column]
    touchpoints: Sequence[Mapped]
    layout: Layout
    has_notes: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A ready mapping for one import."""

    headings: Mapping[str, Sequence[str]]
    """By the plain form of a heading, the columns that it fills."""

    export: Export
    habits: Habits
    currency: str
    layout: Layout
    asked: Sequence[str] = ()
    """Headings that the import names itself."""

    def missing_of(self, seen: Iterable[str], *, is_useless: bool) -> list[str]:
        """Headings that the import names and no row has; where it is useless, all columns of which no row has any."""
        there = {plain_heading(one) for one in seen}
        missing = [one for one in self.asked if plain_heading(one) not in there]
        if is_useless:
            filled = {name for plain in there for name in self.headings.get(plain, ())}
            missing += [one.of[0] for name, one in self.export.columns.items() if name not in filled]
        return sorted(set(missing))

    def reads_any_of(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the rows have a column that the mapping knows at all; else it is another file."""
        return any(plain_heading(heading) in self.headings for row in rows for heading in row)

    def touchpoints_of(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The native touchpoints a row amounts to, none when it is to be passed over. Raises Refused."""
        if self.export.has_notes and _is_note(row):
            return []
        said: dict[str, Any] = {"currency": self.currency} if self.currency else {}
        ranks: dict[str, int] = {}
        for heading, value in row.items():
            for name in self.headings.get(plain_heading(heading), ()):
                rank = self._rank(name, heading)
                if rank < ranks.get(name, len(self.export.columns[name].of) + 1):
                    ranks[name] = rank
                    said[name] = self._cell(name, heading, value)
        fitting = [one for one in self.export.touchpoints if one.when is None or one.when.find(said)]
        return [native_of(one, said) for one in fitting]

    def _rank(self, name: str, heading: str) -> int:
        """Of two headings that a column is known under, the one that is named first counts."""
        plain = [plain_heading(one) for one in self.export.columns[name].of]
        return plain.index(plain_heading(heading)) if plain_heading(heading) in plain else -1

    def _cell(self, name: str, heading: str, value: Any) -> Any:
        column = self.export.columns[name]
        value = value.strip() if isinstance(value, str) else value
        if column.type == "text" or value in ("", None):
            return value if value != "" else None
        return CELLS[column.type](value, self.habits, "/" + heading.replace("~", "~0").replace("/", "~1"))


def asked_in(document: Any) -> Asked:
    """What a document asks for. Raises InvalidMapping."""
    try:
        return msgspec.convert(document, Asked)
    except msgspec.ValidationError as error:
        raise InvalidMapping(fault_of(error, {"": Asked})) from None


def habits_of(asked: Asked, faults: list[tuple[str, str]]) -> Habits:
    """How the writer of the file writes, as the import says; what is wrong with that is added to the faults."""
    if len(asked.header) > _MAX_HEADINGS:
        faults.append(("/header", f"at most {_MAX_HEADINGS} columns"))
    try:
        zone = ZoneInfo(asked.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(("/zone", "a zone is named as Europe/Copenhagen"))
        zone = ZoneInfo("UTC")
    return Habits(zone, asked.dates, asked.decimals)


def ready_of(document: Any, exports: Mapping[str, Export]) -> Ready:
    """The one of these that an import asks for, as it asks for it. Raises InvalidMapping."""
    asked = asked_in(document)
    export = exports.get(asked.ready)
    if export is None:
        raise InvalidMapping(("/ready", f"one of {', '.join(sorted(exports))}"))
    faults = [
        (f"/columns/{name}", f"one of {', '.join(sorted(export.columns))}")
        for name in asked.columns
        if name not in export.columns
    ]
    if asked.own is not None:
        faults.append(("/own", "a ready mapping or one of your own, not both"))
    habits = habits_of(asked, faults)
    if faults:
        raise InvalidMapping(*faults)
    headings: dict[str, list[str]] = {}
    for name, column in export.columns.items():
        for heading in [asked.columns[name]] if name in asked.columns else column.of:
            headings.setdefault(plain_heading(heading), []).append(name)
    layout = replace(export.layout, columns=tuple(asked.header))
    return Ready(headings, export, habits, asked.currency, layout, tuple(asked.columns.values()))


def export_of(document: Any) -> Export:
    """What a file of ``imports/`` describes. Raises InvalidMapping, msgspec.ValidationError."""
    said = msgspec.convert(document, _Document)
    columns = {name: one if isinstance(one, _Column) else _Column(of=one) for name, one in said.columns.items()}
    mappings = [compiled(one) for one in said.touchpoints]
    layout = Layout(said.delimiter, is_escaped=said.is_escaped, encoding=said.encoding)
    return Export(said.title, columns, mappings, layout, said.has_notes)


def _is_note(row: Mapping[str, Any]) -> bool:
    """Whether it has no id and no address, and begins with a total or says one thing alone."""
    said = [str(value).strip() for value in row.values()]
    is_one = len(said) < 2 or bool(_TOTAL.fullmatch(said[0]))  # noqa: PLR2004
    return is_one and not any(map(_WHO.fullmatch, said))


@lru_cache(maxsize=10_000)
def plain_heading(heading: str) -> str:
    """Letters and digits alone, small: *Record ID*, ``record_id`` and ``RecordId`` are one heading."""
    return "".join(filter(str.isalnum, heading)).casefold()
