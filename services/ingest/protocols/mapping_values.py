"""What stands at a place of somebody else's JSON, as a mapping wants it: looked up, an instant, a text."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from services.ingest.domain.instant import parse_instant
from services.ingest.domain.places import Place, first
from services.ingest.domain.refusal import Refused
from shared.clock import to_text
from shared.vocabulary import Code

_NODE_BYTES: Final = 8
_UNITS: Final = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_YEAR_2100_SECONDS: Final = 4_102_444_800
_MAX_NUMBER: Final = 2**63


class Lookup(msgspec.Struct, forbid_unknown_fields=True):
    """A place whose value is looked up; without an entry the value is ``otherwise``, or nothing."""

    at: str
    map: dict[str, Any] = {}
    otherwise: Any = None
    free: bool = False
    """Of a kind: a value without an entry is a kind of its own, in snake case."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from, compiled."""

    place: Place
    lookup: Lookup | None = None

    def find(self, item: Any) -> Any:
        """It, looked up where it is to be; None when nothing is there."""
        value = self.place.find(item)
        if self.lookup is None or not self.lookup.map:
            return value
        said = text_of(value)
        return self.lookup.map.get(said, self.lookup.otherwise) if said is not None else self.lookup.otherwise


@dataclass(frozen=True, slots=True)
class When:
    """Where an instant comes from, compiled."""

    place: Place
    unit: str = "text"
    format: str | None = None


def fault_of_layout(layout: str) -> str:
    """What is wrong with a format of times; empty when nothing is."""
    try:
        datetime.strptime("", layout)  # noqa: DTZ007 -- nothing is read
    except re.error:
        return "it names a part of a time twice"
    except ValueError as error:
        wrong = str(error)
        return wrong if "bad directive" in wrong or "stray %" in wrong else ""
    return ""


def instant_of(when: When, item: Any, pointer: str) -> str | None:
    """The instant in ``item`` as text; None when nothing is there. Raises Refused for what is none."""
    value = first(when.place.find(item))
    if value is None or value == "":
        return None
    if when.unit != "text":
        return _counted(value, when.unit, pointer)
    if not isinstance(value, str):
        raise Refused(Code.INVALID_INSTANT, pointer, "a time is text here; name its unit if it is a number")
    if when.format is None:
        return to_text(parse_instant(value.strip(), pointer))
    try:
        moment = datetime.strptime(value.strip(), when.format)  # noqa: DTZ007 -- UTC is put in below when it has no zone
    except ValueError:
        raise Refused(Code.INVALID_INSTANT, pointer, f"a time reads {when.format} here") from None
    return to_text(parse_instant(moment.isoformat(), pointer))


def _counted(value: Any, unit: str, pointer: str) -> str:
    """A number of units since 1970 as an instant."""
    try:
        number = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if unit == "number":
        unit = "seconds" if number < _YEAR_2100_SECONDS else "milliseconds"
    exact = value if isinstance(value, int) else number
    micros = int(exact * _UNITS[unit]) if 0 <= number < _MAX_NUMBER else -1
    if not 0 <= micros < _MAX_NUMBER:
        raise Refused(Code.INVALID_INSTANT, pointer, f"a time is a number of {unit} since 1970 here")
    try:
        return to_text(micros)
    except OverflowError:
        raise Refused(Code.OUT_OF_RANGE, pointer, "an instant is of a year from 1970 to 9999") from None


def is_lighter(value: Any, limit: int) -> bool:
    """Whether it would be written in about fewer bytes than that."""
    rest, weight = [value], 0
    while rest:
        inner = rest.pop()
        weight += _NODE_BYTES
        if isinstance(inner, str):
            weight += len(inner)
        elif isinstance(inner, list):
            rest.extend(inner)
        elif isinstance(inner, dict):
            rest.extend(inner.values())
            weight += sum(map(len, inner))
        if weight > limit:
            return False
    return True


def is_there(value: Any) -> bool:
    """Whether it says anything."""
    return value is not None and value not in ("", [], {})


def text_of(value: Any) -> str | None:
    """A text, or a number as text, or the only one of a list; None when it is empty or something else."""
    value = first(value)
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None
