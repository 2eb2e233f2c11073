"""How the rows of one import are read: by a ready mapping, by one of its own, or by what its columns are called."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from services.ingest.domain.refusal import Refusal
from services.ingest.protocols.import_beside import NOTHING_BESIDE, Beside
from services.ingest.protocols.import_columns import columns_of, missing_of
from services.ingest.protocols.import_items import Noted, RowReader, items_of_row
from services.ingest.protocols.import_ready import Asked, Export, Ready, asked_in, habits_of, plain_heading, ready_of
from services.ingest.protocols.import_rows import USUAL, Layout, Row, row_id, row_of
from services.ingest.protocols.mapping import InvalidMapping, compiled
from services.ingest.protocols.mapping import Mapping as Mapped
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import Code

_READY: Final = "ready"
_BESIDE: Final = frozenset(field.name for field in msgspec.structs.fields(Asked))
_ID: Final = re.compile(r"(row-[0-9a-f]{32})-([0-9]+)(?:-[0-9]+)?(?:~.*)?")
"""Of a row or one touchpoint of several in it, and as it is kept when the id was kept for something else before."""

_NOTHING_IN_IT: Final = "the mapping takes nothing of this row"
_NUMBER: Final = re.compile(r"row ([0-9]+): ")


@dataclass(frozen=True, slots=True)
class Reading:
    """Made by ``reading_of``. At most one of the two mappings is there."""

    ready: Ready | None = None
    mapping: Mapped | None = None
    beside: Beside = NOTHING_BESIDE
    layout: Layout = USUAL

    def is_of_another(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether these rows, the first of a file, have no column that its ready mapping knows."""
        return self.ready is not None and bool(rows) and not self.ready.reads_any_of(rows)

    def is_without_kind(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether these rows, the first of a file without a mapping, have no column that says what happened."""
        has_mapping = self.ready is not None or self.mapping is not None
        return not has_mapping and any(rows) and not any("kind" in row for row in rows)

    def items_of(self, number: int, row_id: str, row: Row) -> list[bytes]:
        """A row as items for the reader; none when it is passed over."""
        when = None if self.mapping is None else self.mapping.when
        if when is not None and row.value is not None and not when.find(row.value):
            return []
        return items_of_row(self.ready, number, row_id, row)

    def reader(self, name: str, noted: Noted | None = None) -> RowReader:
        """What reads those of the import of this name."""
        return RowReader(name, self.mapping, self.beside, noted)

    def asks_for(self, column: str) -> bool:
        """Whether its mapping reads a column of that name."""
        if self.ready is not None:
            return plain_heading(column) in self.ready.headings
        return self.mapping is not None and column in columns_of(self.mapping)

    def missing_of(self, seen: Set[str], *, is_useless: bool) -> list[str]:
        """Columns that its mapping asks for and that are not among these; ``is_useless`` when no row was taken."""
        if self.ready is not None:
            return self.ready.missing_of(seen, is_useless=is_useless)
        return [] if self.mapping is None else missing_of(self.mapping, seen)


def reading_of(document: Any, exports: Mapping[str, Export]) -> Reading:
    """What a document, or none, asks for: a mapping of one's own, or ``Asked``. Raises InvalidMapping."""
    if document is None:
        return Reading()
    if isinstance(document, dict) and _READY in document:
        ready = ready_of(document, exports)
        return Reading(ready, layout=ready.layout)
    if not isinstance(document, dict) or not document or not document.keys() <= _BESIDE:
        return Reading(mapping=_own(document))
    asked = asked_in(document)
    faults = [("/columns", "these are a ready mapping's; yours names the headings itself")] if asked.columns else []
    beside = Beside(habits_of(asked, faults), asked.currency)
    mapping = None
    try:
        mapping = None if asked.own is None else _own(asked.own)
    except InvalidMapping as error:
        faults += [(f"/own{pointer}", detail) for pointer, detail in error.faults]
    if faults:
        raise InvalidMapping(*faults)
    return Reading(mapping=mapping, beside=beside, layout=replace(USUAL, columns=tuple(asked.header)))


def _own(document: Any) -> Mapped:
    """A mapping of one's own. Raises InvalidMapping, also for what takes a body apart: a file has its rows."""
    mapping = compiled(document)
    said = {"items": mapping.items, "of_whole": mapping.of_whole}
    faults = [(f"/{name}", "a row of a file is one item already; leave this out") for name, one in said.items() if one]
    if faults:
        raise InvalidMapping(*faults)
    return mapping


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Reads rows of an import that were refused, as if they stood in its file as they lie now.

    So they come to the ids that the file would give them, were it mended alike and imported again. ``is_text`` where
    the file knows texts alone.
    """

    name: str
    reading: Reading
    is_text: bool
    given: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict)
    """By what a row says now, the ordinal for each row that did not say it before."""

    def read(self, item_id: str, detail: str, payload: bytes, arrival: Arrival) -> list[Outcome]:
        """Every touchpoint of the row, at least one, or why there is none. Never raises."""
        row = row_of(payload, is_text=self.is_text)
        was, told = _ID.fullmatch(item_id), _NUMBER.match(detail)
        new_id = self._new_id(row, was[1], int(was[2])) if was else item_id
        number = int(told[1]) if told else 0
        found = self._outcomes(self.reading, number, new_id, row, arrival)
        if was and not new_id.startswith(was[1]) and self._is_in_our_words(row) and not _are_good(found):
            native = self._outcomes(Reading(), number, new_id, row, arrival)
            found = native if _are_good(native) else found
        return found or [Rejected(item_id, Refusal(Code.INVALID_KIND, "/kind", _NOTHING_IN_IT), payload)]

    def _new_id(self, row: Row, was: str, ordinal: int) -> str:
        """As it would be in the file: rows that are alike now, and were not, have another ordinal each."""
        if row_id(row, ordinal).startswith(was):
            return row_id(row, ordinal)
        given = self.given.setdefault(row_id(row, 0), {})
        if (was, ordinal) not in given:
            given[was, ordinal] = ordinal if ordinal not in given.values() else max(given.values()) + 1
        return row_id(row, given[was, ordinal])

    def _outcomes(self, reading: Reading, number: int, new_id: str, row: Row, arrival: Arrival) -> list[Outcome]:
        reader = reading.reader(self.name)
        return [reader.read(item, arrival, may_hold_nul=False) for item in reading.items_of(number, new_id, row)]

    def _is_in_our_words(self, row: Row) -> bool:
        """Whether it was repaired into a touchpoint of ours, which its mapping does not read."""
        said, asked = row.value or {}, self.reading.asks_for
        return (isinstance(said.get("identity"), dict) and not asked("identity")) or (
            isinstance(said.get("kind"), str) and not asked("kind")
        )


def _are_good(outcomes: Sequence[Outcome]) -> bool:
    return bool(outcomes) and all(isinstance(one, Touchpoint) for one in outcomes)
