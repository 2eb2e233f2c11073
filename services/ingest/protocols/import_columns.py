"""Which columns of a file a mapping asks for: the fields that its expressions begin with."""

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

import jmespath

from services.ingest.domain.places import Place
from services.ingest.protocols.mapping import Mapping as Mapped

_INWARD: Final = frozenset(
    {
        "subexpression",
        "index_expression",
        "pipe",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
    }
)
"""What looks further into what its first part finds."""

_ELSEWHERE: Final = frozenset({"literal", "expref"})


def columns_of(mapping: Mapped) -> frozenset[str]:
    """Every column that it asks for."""
    return frozenset(name for place in _places(mapping) for name in _missing(_parsed(place), frozenset()))


def missing_of(mapping: Mapped, there: Set[str]) -> list[str]:
    """Those that are not there; of ``a || b`` one is enough."""
    return sorted({name for place in _places(mapping) for name in _missing(_parsed(place), there)})


def _places(mapping: Mapped) -> Iterator[Place]:
    sources = [mapping.kind, mapping.channel, *(one for part in mapping.parts.values() for one in part.values())]
    yield from (source.place for source in sources if source is not None)
    yield from mapping.id
    yield from (when.place for when in (mapping.occurred_at, mapping.sent_at) if when is not None)


def _parsed(place: Place) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = jmespath.compile(place.text).parsed
    return parsed


def _missing(node: Mapping[str, Any], there: Set[str]) -> Set[str]:
    kind, children = node["type"], [one for one in node["children"] if isinstance(one, dict)]
    if kind == "field":
        return {node["value"]} - there
    if kind in _ELSEWHERE:
        return frozenset()
    found = [_missing(child, there) for child in (children[:1] if kind in _INWARD else children)]
    if kind == "or_expression" and there and not all(found):
        return frozenset()
    return frozenset().union(*found)
