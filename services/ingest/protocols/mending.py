"""Mending refused items by a mapping: places in an item, in the language of mappings, whose values are put in it.

The document has the shape of the item: ``{"identity": {"email": "properties.mail"}, "properties": {"mail": null}}``. A
value is a place, a lookup or a time; null takes a field away, and another object goes into the field of its name. All
places are looked up in the item as it was refused; what is not there leaves its field as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.ingest.domain.merge_patch import merged
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.mapping import MAX_PART_BYTES, InvalidMapping, Value, Values
from shared.vocabulary import Code

_MAX_DEPTH: Final = 32
_MAX_BYTES: Final = 256 * 1024
"""Of an item to look places up in, as of a delivery's."""

_MAX_WORK: Final = 2_000_000
"""Parts of expressions times values in an item. Each takes up to 0.2 us, in which nobody else is served."""

_MULTIPLIED: Final = 128
"""How often an expression may repeat the item at most."""

_OF_VALUE: Final = frozenset({"at", "map", "otherwise", "unit", "format"})
_MARKS: Final = frozenset({"map", "unit", "format"})
"""By one of these beside ``at`` an object is a value; any other is of fields, which may well be called ``at``."""

_Tree = dict[str, Any]
"""By name: Value, None, or a tree."""


@dataclass(frozen=True, slots=True)
class Mending:
    """A checked document. Made by ``mending_of``."""

    fields: _Tree
    work: int
    """For each value in an item."""

    def mend(self, payload: bytes) -> bytes:
        """The item mended; what the document does not name stays as it was sent.

        Raises ValueError when it is not JSON, RecursionError when it is too deep, and Refused where a value is no time,
        or it is too large, or all this would take too long.
        """
        if len(payload) > _MAX_BYTES:
            raise Refused(Code.TOO_LARGE, "", f"an item that is mended by a mapping has at most {_MAX_BYTES} bytes")
        try:
            item = msgspec.json.decode(payload)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        if _count(item) * self.work > _MAX_WORK:
            raise Refused(Code.TOO_LARGE, "", "this item has too many values for so many, or such, expressions")
        return merged(payload, _Found(item).patch(self.fields))


def mending_of(document: Mapping[str, Any]) -> Mending:
    """The mending that a document describes. Raises InvalidMapping with every fault."""
    try:
        msgspec.json.encode(document)
    except UnicodeEncodeError:
        raise InvalidMapping(("", "text has no half of a surrogate pair")) from None
    except RecursionError:
        raise InvalidMapping(("", f"fields are nested at most {_MAX_DEPTH} deep")) from None
    values = Values()
    fields = _compiled(document, "", values)
    if values.faults:
        raise InvalidMapping(*values.faults)
    multiplies = any(value.multiplies for value in _values(fields))
    return Mending(fields, values.size * (_MULTIPLIED if multiplies else 1))


def _values(fields: _Tree) -> Iterator[Value]:
    for said in fields.values():
        if isinstance(said, Value):
            yield said
        elif said is not None:
            yield from _values(said)


def _count(item: Any) -> int:
    """The values in it, itself among them, and those that may be taken out of its texts (``split``, ``parse_json``)."""
    count, rest = 1, [item]
    while rest:
        inner = rest.pop()
        if isinstance(inner, dict | list):
            count += len(inner)
            rest.extend(inner.values() if isinstance(inner, dict) else inner)
        elif isinstance(inner, str):
            count += len(inner) // 2
    return count


def _compiled(document: Mapping[str, Any], pointer: str, values: Values) -> _Tree:
    tree: _Tree = {}
    for name, said in document.items():
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if said is None:
            tree[name] = None
        elif isinstance(said, dict) and not _is_value(said):
            if place.count("/") >= _MAX_DEPTH:
                values.faults.append((place, f"fields are nested at most {_MAX_DEPTH} deep"))
                return tree
            tree[name] = _compiled(said, place, values)
        elif isinstance(said, str | dict):
            tree[name] = values.add(said, place)
        else:
            detail = (
                "a place (JMESPath) such as properties.mail; a constant is quoted twice, \"'web'\"; null takes away"
            )
            values.faults.append((place, detail))
    return tree


def _is_value(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("at"), str) and _OF_VALUE.issuperset(said) and not _MARKS.isdisjoint(said)


class _Found:
    """What is found in one item, which in all is no larger than a part of a touchpoint may be."""

    def __init__(self, item: Any) -> None:
        self._item = item
        self._left = MAX_PART_BYTES

    def patch(self, tree: _Tree) -> dict[str, Any]:
        """The merge patch. A found object takes the place of its field, and null in it is null."""
        patch: dict[str, Any] = {}
        for name, said in tree.items():
            if isinstance(said, Value):
                value = said.find(self._item)
                if value is not None:
                    patch[name] = self._written(value)
            elif said is None:
                patch[name] = None
            elif inner := self.patch(said):
                patch[name] = inner
        return patch

    def _written(self, value: Any) -> msgspec.Raw:
        written = msgspec.json.encode(value)
        self._left -= len(written)
        if self._left < 0:
            raise Refused(Code.TOO_LARGE, "", f"a mapping puts at most {MAX_PART_BYTES} bytes in an item")
        return msgspec.Raw(written)
