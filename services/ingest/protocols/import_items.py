"""The touchpoint in a row of a file: by a mapping, or by what its columns are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.ingest.domain.kind import kind_of_event
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import keeping, native
from services.ingest.protocols.import_beside import NOTHING_BESIDE, Beside
from services.ingest.protocols.import_cells import hint
from services.ingest.protocols.import_ready import Ready
from services.ingest.protocols.import_rows import Row
from services.ingest.protocols.mapping import Mapping as Mapped
from services.ingest.protocols.mapping import consent_of
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.reading import read_loosely
from services.ingest.protocols.splitting import Item
from shared.clock import to_text
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import Code

PROTOCOL: Final = "import"

OWN: Final = f"{PROTOCOL}.own"
"""Of touchpoints whose id is the file's own, and not made here of the row or by a ready mapping (decision 0046)."""

_PARTS: Final = frozenset(
    {"identity", "traits", "campaign", "page", "value", "consent", "context", "properties", "previous"}
)
_WHOLE: Final = frozenset({"id", "kind", "occurred_at", "sent_at", "channel"})
_PLACES: Final = {
    **{
        name: ("identity", name) for name in ("user_id", "anonymous_id", "email", "email_sha256", "phone", "account_id")
    },
    **{f"utm_{name}": ("campaign", name) for name in ("source", "medium", "term", "content", "id")},
    "utm_campaign": ("campaign", "name"),
    "amount": ("value", "amount"),
    "currency": ("value", "currency"),
    "url": ("page", "url"),
    "referrer": ("page", "referrer"),
}
"""Where a column of a well-known name belongs."""

_SHOWN: Final = (
    "id",
    "kind",
    "occurred_at",
    "channel",
    "channel_rule",
    "identity",
    "account",
    "country",
    "campaign",
    "page",
    "value",
    "traits",
    "properties",
    "consent",
    "context",
    "marks",
)

_NOTHING: Final = msgspec.Raw(b"null")
_NOT_SAID: Final = (None, "")


class Numbered(msgspec.Struct, array_like=True):
    """A row on its way to the reader: its number in the file (the first is 1, 0 is not known), its id, what it says."""

    number: int
    id: str
    value: msgspec.Raw
    refusal: tuple[str, str, str] | None = None
    said: msgspec.Raw = _NOTHING
    """The native touchpoint that a ready mapping made of it, or null."""


_DECODER: Final = msgspec.json.Decoder(Numbered)
_ROW: Final = msgspec.json.Decoder(dict[str, Any])


def numbered(number: int, row_id: str, row: Row, said: Mapping[str, Any] | None = None) -> bytes:
    """The row as an item for ``RowReader``; ``said`` is a touchpoint in it that is found already."""
    refusal = None if row.refusal is None else (row.refusal.code.value, row.refusal.pointer, row.refusal.detail)
    value = row.raw if row.value is not None else msgspec.json.encode(row.raw.decode("utf-8", "replace"))
    found = _NOTHING if said is None else msgspec.Raw(msgspec.json.encode(said))
    return msgspec.json.encode(Numbered(number, row_id, msgspec.Raw(value), refusal, found))


def items_of_row(ready: Ready | None, number: int, row_id: str, row: Row) -> list[bytes]:
    """The items of a row: itself, or with a ready mapping each touchpoint in it; none when it is passed over."""
    if ready is None or row.value is None:
        return [numbered(number, row_id, row)]
    try:
        found = ready.touchpoints_of(row.value)
        return [numbered(number, f"{row_id}-{at}" if at else row_id, row, said) for at, said in enumerate(found)]
    except Refused as outcome:
        return [numbered(number, row_id, Row(row.raw, row.value, outcome.refusal))]
    except (OverflowError, RecursionError, msgspec.MsgspecError):
        refusal = Refusal(Code.NOT_JSON, "", "this row cannot be written as JSON")
        return [numbered(number, row_id, Row(row.raw, row.value, refusal))]


@dataclass(slots=True)
class Noted:
    """What is told of rows that are touchpoints: the numbers of those without a time and with one that is yet to come,
    which happen as they arrive, and the first of them all."""

    timeless: set[int] = field(default_factory=set)
    early: set[int] = field(default_factory=set)
    named: set[int] = field(default_factory=set)
    """Of those with an id of the file's own."""

    first: Touchpoint | None = None

    def note(self, number: int, at: Any, touchpoint: Touchpoint, *, has_own_id: bool = False) -> None:
        """One more; ``at`` is the time it says."""
        if self.first is None:
            self.first = touchpoint
        if has_own_id:
            self.named.add(number)
        if at in _NOT_SAID:
            self.timeless.add(number)
        elif touchpoint.occurred_at == touchpoint.received_at:
            self.early.add(number)

    def forget(self) -> None:
        """The numbers, which are counted."""
        self.timeless.clear()
        self.early.clear()
        self.named.clear()


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one import. What is kept of a refused row is the row; repaired, it is a native touchpoint."""

    name: str
    mapping: Mapped | None
    beside: Beside = NOTHING_BESIDE
    noted: Noted | None = None

    @property
    def protocol(self) -> str:
        """``import.<id of the import>``."""
        return f"{PROTOCOL}.{self.name}"

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        row = _DECODER.decode(item)
        if row.refusal is not None:
            code, pointer, detail = row.refusal
            return _rejected(row, Refusal(Code(code), pointer, detail))
        try:
            said = _ROW.decode(row.said) if row.said != _NOTHING else self._said(_ROW.decode(row.value))
            has_own_id = said.get("id") not in _NOT_SAID
            written = msgspec.json.encode(said if has_own_id else {**said, "id": row.id})
        except Refused as outcome:
            return self._rejected(row, outcome.refusal)
        except (OverflowError, RecursionError, msgspec.MsgspecError):
            return _rejected(row, Refusal(Code.NOT_JSON, "", "this row cannot be written as JSON"))
        read = native.parse(written, arrival, may_hold_nul=may_hold_nul or b"\\u0000" in written)
        if isinstance(read, Rejected):
            return _rejected(row, _hinted(read.refusal, said), is_kept=read.payload == written)
        if self.noted is not None:
            self.noted.note(row.number, said.get("occurred_at"), read, has_own_id=has_own_id)
        return msgspec.structs.replace(read, protocol=OWN if has_own_id and row.said == _NOTHING else PROTOCOL)

    def _said(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if self.mapping is None:
            return self.beside.plain(named_columns(row))
        return self.beside.mapped(self.mapping, row)

    def _rejected(self, row: Numbered, why: Refusal) -> Rejected:
        """The row that its mapping, or the names of its columns, could not read."""
        if self.mapping is None:
            return _rejected(row, why)
        said = read_loosely(bytes(row.value))
        kept = keeping.mapped(
            row.id, bytes(row.value), why, consent_of(self.mapping, said), self.mapping.kind.find(said)
        )
        return _rejected(row, kept.refusal, is_kept=bool(kept.payload))


@dataclass(frozen=True, slots=True)
class KeptRowReader:
    """Reads a row of which nothing is known but itself: its columns are named as the parts of a touchpoint."""

    protocol: str = PROTOCOL

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        try:
            written = msgspec.json.encode(named_columns(_ROW.decode(item)))
        except (OverflowError, RecursionError, msgspec.MsgspecError):
            written = bytes(item)  # the native parser says why
        return native.parse(written, arrival, may_hold_nul=may_hold_nul)


def shown_touchpoint(touchpoint: Touchpoint) -> dict[str, Any]:
    """A touchpoint for people to look at before many more are taken: what it says, without what is empty."""
    said = _ROW.decode(msgspec.json.encode(touchpoint))
    said["occurred_at"] = to_text(touchpoint.occurred_at)
    return {name: said[name] for name in _SHOWN if said.get(name) not in (None, "", {}, [])}


def named_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """The native touchpoint of a row whose columns are named as its parts: ``kind``, ``email``, ``traits.city``.

    Every other column is a property.
    """
    said: dict[str, Any] = {}
    for name, value in row.items():
        begin, _, rest = name.partition(".")
        if name in _WHOLE:
            said[name] = value
        elif name in _PLACES:
            part, field = _PLACES[name]
            _put(said, part, field, value)
        elif name in _PARTS and isinstance(value, dict):
            said[name] = {**said.get(name, {}), **value}
        elif rest and begin == "external":
            said.setdefault("identity", {}).setdefault("external", {})[rest] = value
        elif rest and begin in _PARTS:
            _put(said, begin, rest, value)
        else:
            _put(said, "properties", name, value)
    kind = said.get("kind")
    if isinstance(kind, str):
        said["kind"] = kind_of_event(kind) or kind
    return said


def _put(said: dict[str, Any], part: str, field: str, value: Any) -> None:
    said.setdefault(part, {})[field] = value


def _hinted(why: Refusal, said: Mapping[str, Any]) -> Refusal:
    """Why, with what a person who imports a file can do about it."""
    if why.pointer == "/kind" and said.get("kind") in _NOT_SAID:
        return Refusal(why.code, why.pointer, "kind is missing: say what happened, such as page_viewed")
    more = hint(said, why.pointer)
    return Refusal(why.code, why.pointer, f"{why.detail}; {more}") if more else why


def _rejected(row: Numbered, why: Refusal, *, is_kept: bool = True) -> Rejected:
    detail = f"row {row.number}: {why.detail}" if row.number else why.detail
    refusal = Refusal(why.code, why.pointer, detail)
    return Rejected(row.id, refusal, bytes(row.value) if is_kept else b"")
