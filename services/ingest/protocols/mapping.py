"""A mapping: where in somebody else's JSON the parts of a touchpoint stand, as one declarative document.

``compiled`` checks a document once; ``items_of`` takes a body apart; ``native_of`` makes the native touchpoint of one
item, which ``protocols.native`` then reads like any other. docs/connect/adding-a-provider.md describes the document.
"""

import re
from collections.abc import Mapping as Object
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from services.ingest.domain.item_id import MAX_LENGTH, content_id
from services.ingest.domain.kind import is_kind, kind_of_event
from services.ingest.domain.nearest import one_of
from services.ingest.domain.places import InvalidPlace, Place, TooMuch
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.mapping_values import (
    Lookup,
    Source,
    When,
    fault_of_layout,
    instant_of,
    is_lighter,
    is_there,
    text_of,
)
from shared.vocabulary import Code

MAX_TAKEN_APART_BYTES: Final = 8 * 1024 * 1024
"""Of all items of one body, each with what it is told of the whole."""

MAX_PART_BYTES: Final = 256 * 1024
"""Of one part of a touchpoint: far above what a touchpoint may have in all, which is looked at when it is written."""

_MAX_SIZE: Final = 1_000
"""Parts of all expressions of a document; the longest that a provider needs have 300. On the longest lists that a body
may have each costs up to 3 ms, and nobody else is served meanwhile."""

_MAX_FAULTS: Final = 100
"""With so many it is another document altogether; to find what is near to each takes its time."""

_TOO_LARGE: Final = (Code.TOO_LARGE, "", "taken apart, this would be too large; send it in smaller pieces")
KEPT_WHOLE: Final = "*"
"""The field of a part that puts in all of an object."""

_UNKNOWN: Final = re.compile(r"unknown field `(.*)`")
_NO_CHOICE: Final = re.compile(r"Invalid enum value '(.*)'", re.DOTALL)


class InvalidMapping(ValueError):
    """A document that is no mapping: every fault as (JSON pointer into it, what would be right)."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{pointer or 'the mapping'}: {detail}" for pointer, detail in faults))
        self.faults = faults


class _Time(msgspec.Struct, forbid_unknown_fields=True):
    at: str
    unit: Literal["text", "seconds", "milliseconds", "microseconds", "number"] = "text"
    """``number`` tells seconds from milliseconds by magnitude."""

    format: str | None = None
    """Of ``datetime.strptime``, for text that is not ISO 8601; without an offset it is UTC."""


_Said = str | Lookup
_Part = dict[str, _Said]


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    kind: _Said
    items: str | None = None
    of_whole: str | None = None
    when: str | None = None
    source: str = ""
    id: str | list[str] | None = None
    occurred_at: str | _Time | None = None
    sent_at: str | _Time | None = None
    channel: _Said | None = None
    identity: _Part = {}
    external: _Part = {}
    traits: _Part = {}
    campaign: _Part = {}
    page: _Part = {}
    value: _Part = {}
    consent: _Part = {}
    context: _Part = {}
    properties: _Part = {}


_PARTS: Final = ("identity", "external", "traits", "campaign", "page", "value", "consent", "context", "properties")
_TEXTS: Final = frozenset({"identity", "external", "campaign", "page", "value", "consent", "context"})
"""Parts whose fields are text; traits and properties are kept as they are."""

_ALLOWED: Final[Object[str, frozenset[str]]] = {
    "identity": frozenset({"anonymous_id", "user_id", "email", "email_sha256", "phone", "account_id"}),
    "campaign": frozenset({"source", "medium", "name", "term", "content", "id", "click_id"}),
    "page": frozenset({"url", "path", "title", "referrer"}),
    "value": frozenset({"amount", "currency"}),
    "consent": frozenset({"analytics", "profiling", "marketing"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A checked document. Made by ``compiled``."""

    source: str
    kind: Source
    items: Place | None
    of_whole: Place | None
    when: Place | None
    id: tuple[Place, ...]
    occurred_at: When | None
    sent_at: When | None
    channel: Source | None
    parts: Object[str, Object[str, Source]]


def compiled(document: Any, settings: Object[str, Any] | None = None) -> Mapping:
    """The mapping that a document (out of JSON or YAML) describes, for a hook with these settings.

    Raises InvalidMapping with every fault, or some hundred of them.
    """
    try:
        said = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise InvalidMapping(fault_of(error, {"": _Document, "/occurred_at": _Time, "/sent_at": _Time})) from None
    faults: list[tuple[str, str]] = []
    compiler = _Compiler(faults, settings)
    mapping = compiler.mapping(said)
    if faults or mapping is None:
        raise InvalidMapping(*faults)
    return mapping


def fault_of(error: msgspec.ValidationError, structs: Object[str, type[msgspec.Struct]]) -> tuple[str, str]:
    """Where a document is no such struct, and what would be right there; ``structs`` are those in it, by place."""
    detail, _, place = str(error).partition(" - at `$")
    pointer = place.rstrip("`").replace("[...]", "").replace(".", "/").replace("[", "/").replace("]", "")
    unknown = _UNKNOWN.search(detail)
    if unknown is None:
        parent, _, field = pointer.rpartition("/")
        other, choices = _NO_CHOICE.fullmatch(detail), _choices(structs.get(parent, Lookup), field)
        return pointer, one_of(other[1], choices) if other and choices else detail
    return f"{pointer}/{unknown[1]}", one_of(unknown[1], structs.get(pointer, Lookup).__struct_fields__)


def _choices(struct: type[msgspec.Struct], field: str) -> list[str]:
    """The texts that a field may be, where they are few."""
    kind = get_type_hints(struct).get(field)
    literals = [one for one in (kind, *get_args(kind)) if get_origin(one) is Literal]
    return [str(text) for one in literals for text in get_args(one)]


class Values:
    """Compiles values that stand for themselves, of one document, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        """As in InvalidMapping."""
        self._compiler = _Compiler(self.faults, None)

    @property
    def size(self) -> int:
        """The parts of all expressions, each of which may look at all of an item."""
        return self._compiler.size

    def add(self, said: Any, pointer: str) -> "Value | None":
        """The value of a place, of ``{at, map, otherwise}`` or of a time, ``{at, unit}`` or ``{at, format}``, which
        stands at the pointer; None when it is at fault."""
        if isinstance(said, dict):
            kind = _Time if "unit" in said or "format" in said else Lookup
            try:
                said = msgspec.convert(said, kind)
            except msgspec.ValidationError as error:
                place, detail = fault_of(error, {"": kind})
                self.faults.append((pointer + place, detail))
                return None
        return self._compiler.value(said, pointer)


@dataclass(frozen=True, slots=True)
class Value:
    """A value by itself, made by ``Values``."""

    said: "Source | When"
    pointer: str

    @property
    def multiplies(self) -> bool:
        """Whether it may look at more than the item has."""
        return self.said.place.multiplies

    def find(self, item: Any) -> Any:
        """It, in ``item``; None when nothing is there. Raises Refused for what is no time, or too large."""
        if isinstance(self.said, When):
            return instant_of(self.said, item, self.pointer)
        value = self.said.find(item)
        if self.multiplies and not is_lighter(value, MAX_PART_BYTES):
            raise Refused(*_TOO_LARGE)
        return value


def items_of(mapping: Mapping, value: Any) -> list[bytes]:
    """The items of a body, each as JSON with what ``of_whole`` tells it. Raises Refused when they are too large."""
    try:
        found = mapping.items.search(value) if mapping.items else value
    except TooMuch:
        raise Refused(*_TOO_LARGE) from None
    rows = found if isinstance(found, list) else [] if found is None else [found]
    if mapping.items and mapping.items.multiplies and not is_lighter(rows, MAX_TAKEN_APART_BYTES):
        raise Refused(*_TOO_LARGE)
    shared = mapping.of_whole.find(value) if mapping.of_whole else None
    if isinstance(shared, dict):
        if len(msgspec.json.encode(shared)) * len(rows) > MAX_TAKEN_APART_BYTES:
            raise Refused(*_TOO_LARGE)
        rows = [{**shared, **row} if isinstance(row, dict) else {**shared, "item": row} for row in rows]
    if mapping.when:
        rows = [row for row in rows if mapping.when.find(row)]
    return [msgspec.json.encode(row) for row in rows]


def native_of(mapping: Mapping, item: Any) -> dict[str, Any]:
    """The native touchpoint, as JSON values, that ``item`` amounts to. Raises Refused; pointers are those of the
    touchpoint, so ``/kind`` says that no kind was found."""
    native: dict[str, Any] = {"kind": _kind(mapping.kind, item)}
    item_id = id_of(mapping, item)
    if item_id is not None:
        native["id"] = item_id
    for name, when in (("occurred_at", mapping.occurred_at), ("sent_at", mapping.sent_at)):
        instant = instant_of(when, item, f"/{name}") if when else None
        if instant is not None:
            native[name] = instant
    channel = text_of(mapping.channel.find(item)) if mapping.channel else None
    if channel:
        native["channel"] = channel
    for name, part in mapping.parts.items():
        found = _part(part, item, texts=name in _TEXTS)
        if found and (name != "value" or "amount" in found):
            native[name] = found
    external = native.pop("external", None)
    if external:
        native["identity"] = {**native.get("identity", {}), "external": external}
    return native


class _Compiler:
    """Compiles the places of a document and collects what is wrong with them."""

    def __init__(self, faults: list[tuple[str, str]], settings: Object[str, Any] | None) -> None:
        self._faults = faults
        self._settings = settings
        self.size = 0

    def mapping(self, said: _Document) -> Mapping | None:
        """The mapping; None when the kind is at fault."""
        kind = self._source(said.kind, "/kind")
        ids = [said.id] if isinstance(said.id, str) else said.id or []
        places = [self._place(text, f"/id/{index}") for index, text in enumerate(ids)]
        parts = {name: self._part(getattr(said, name), name) for name in _PARTS if getattr(said, name)}
        items, of_whole, when = (
            self._place(text, f"/{name}") if text is not None else None
            for name, text in (("items", said.items), ("of_whole", said.of_whole), ("when", said.when))
        )
        occurred_at, sent_at = self._when(said.occurred_at, "/occurred_at"), self._when(said.sent_at, "/sent_at")
        channel = self._source(said.channel, "/channel") if said.channel is not None else None
        if kind is None:
            return None
        return Mapping(
            source=said.source,
            kind=kind,
            items=items,
            of_whole=of_whole,
            when=when,
            id=tuple(place for place in places if place),
            occurred_at=occurred_at,
            sent_at=sent_at,
            channel=channel,
            parts=parts,
        )

    def value(self, said: _Said | _Time, pointer: str) -> Value | None:
        """One that is not of a mapping's parts."""
        if isinstance(said, _Time):
            when = self._when(said, pointer)
            return Value(when, pointer) if when else None
        source = self._source(said, pointer)
        return Value(source, pointer) if source else None

    def _place(self, text: str, pointer: str) -> Place | None:
        if len(self._faults) >= _MAX_FAULTS:
            raise InvalidMapping(*self._faults)
        try:
            place = Place(text, self._settings)
        except InvalidPlace as error:
            self._faults.append((pointer, str(error)))
            return None
        self.size += place.size
        if self.size > _MAX_SIZE:
            too_many = (pointer, f"up to here its expressions have more than {_MAX_SIZE} parts")
            raise InvalidMapping(*self._faults, too_many)
        return place

    def _source(self, said: _Said, pointer: str) -> Source | None:
        if isinstance(said, str):
            place = self._place(said, pointer)
            return Source(place) if place else None
        place = self._place(said.at, f"{pointer}/at")
        return Source(place, said) if place else None

    def _when(self, said: str | _Time | None, pointer: str) -> When | None:
        if said is None:
            return None
        text, unit, layout = (said, "text", None) if isinstance(said, str) else (said.at, said.unit, said.format)
        place = self._place(text, pointer)
        wrong = "" if layout is None else fault_of_layout(layout)
        if wrong:
            self._faults.append((f"{pointer}/format", wrong))
        return When(place, unit, layout) if place else None

    def _part(self, said: _Part, name: str) -> dict[str, Source]:
        allowed = _ALLOWED.get(name)
        sources = {}
        for field, where in said.items():
            if len(self._faults) >= _MAX_FAULTS:
                break
            pointer = f"/{name}/{field}"
            if allowed is not None and field not in allowed:
                self._faults.append((pointer, one_of(field, allowed)))
            elif source := self._source(where, pointer):
                sources[field] = source
        return sources


def _kind(source: Source, item: Any) -> str:
    """By the table, else its own name where names are free, else what stands for all others."""
    value, lookup = source.place.find(item), source.lookup
    kind = said = text_of(value)
    if lookup is not None:
        named = lookup.map.get(said) if said else None
        kind = text_of(named) or (kind_of_event(said) if lookup.free and said else "") or text_of(lookup.otherwise)
    if not kind:
        detail = "what happened is not among the kinds that the mapping names"
        if lookup is None:
            detail = (
                "the mapping finds no kind there; one that is always the same is quoted twice: \"'demo_requested'\""
            )
        raise Refused(Code.INVALID_KIND, "/kind", detail)
    return kind if is_kind(kind) else kind_of_event(kind) or kind


def id_of(mapping: Mapping, item: Any) -> str | None:
    """The parts of the id joined by ``:`` after the name of the source; None when the item has none of them."""
    parts = [text_of(place.find(item)) or "" for place in mapping.id]
    if not any(parts):
        return None
    joined = ":".join([mapping.source, *parts] if mapping.source else parts)
    is_one = len(joined) <= MAX_LENGTH and "\0" not in joined
    return joined if is_one else content_id(joined.encode("utf-8", "replace"))


def consent_of(mapping: Mapping, item: Any) -> dict[str, Any]:
    """What an item says of consent, whatever else is wrong with it."""
    return _part(mapping.parts.get("consent", {}), item, texts=True)


def _part(sources: Object[str, Source], item: Any, *, texts: bool) -> dict[str, Any]:
    """What is there of a part; ``*`` puts in all fields of an object, which named ones then override."""
    found: dict[str, Any] = {}
    whole = sources[KEPT_WHOLE].find(item) if KEPT_WHOLE in sources else None
    if isinstance(whole, dict):
        if not is_lighter(whole, MAX_PART_BYTES):
            raise Refused(*_TOO_LARGE)
        found |= {name: value for name, value in whole.items() if is_there(value)}
    for name, source in sources.items():
        value = source.find(item) if name != KEPT_WHOLE else None
        if texts:
            value = text_of(value)
        elif source.place.multiplies and not is_lighter(value, MAX_PART_BYTES):
            raise Refused(*_TOO_LARGE)
        if is_there(value):
            found[name] = value
    return found
