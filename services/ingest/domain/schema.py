"""What the properties and traits of a kind of touchpoint must be like: JSON Schema, draft 2020-12, made ready once.

A schema is written by one workspace and obeyed in a process that serves all, so what one costs is bounded beforehand:
its size, what its references unfold to, and its patterns, which take time by the length of a text and not more. What
depends on both a schema and an item, the time of a check and the memory of its errors, is bounded item by item.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Final, NamedTuple

import jsonschema_rs
import msgspec

MAX_BYTES: Final = 64 * 1024
"""Of both schemas of a version, written as JSON."""

_MAX_UNFOLDED: Final = 3_000
"""Values in a schema (texts, numbers, lists, objects), those that a reference names counted at each reference."""

_MAX_DEPTH: Final = 64
_MAX_PATTERNS: Final = 100
_MAX_PATTERN: Final = 500
_PATTERNS: Final = jsonschema_rs.RegexOptions(size_limit=64 * 1024, dfa_size_limit=128 * 1024)
_MAX_VIOLATIONS: Final = 20
_SMALL_WORK: Final = 150
"""A schema of no more may be held against the largest item there is, so none is measured for it."""

_MAX_WORK: Final = 5_000_000
"""Of a schema times the size of an item, some 5 ns each (measured): beyond it the item is not looked at at all."""

_MAX_ERROR_BYTES: Final = 8 * 1024**2
"""Each error has a copy of what it is about and all are made at once: beyond it only whether there is one is said."""

_VALUE_BYTES: Final = 64
_TEXT_PER_VALUE: Final = 16
"""Characters that take as long to look at as one more value."""

_WORK: Final = {"contains": 20, "uniqueItems": 10, "pattern": 20, "format": 10, "multipleOf": 200}
"""How often longer these take than most keywords (measured; the last of numbers like 1e308, with exact fractions)."""

_SLOW_FORMAT: Final = "idn-"
_SLOW_FORMAT_WORK: Final = 100
_LOOKING_BACK: Final = ("unevaluatedProperties", "unevaluatedItems")
_LOOKED_BACK_AT: Final = 3
"""So often what is in a schema with one of these is checked (measured 2.7): exponentially inside of each other."""

_MAX_VALUES_IN_FORCE: Final = 100_000
_MAX_PATTERNS_IN_FORCE: Final = 1_000
"""Of all kinds of a workspace: made ready a value takes up to 0.4 KB of every process, a pattern 70 KB (measured)."""

_MAX_DETAIL: Final = 300
_TYPES: Final = "a type is one of array, boolean, integer, null, number, object and string, or a list of these"
"""In place of what the validator says, which is that nothing of an `anyOf` of the draft's own schema holds."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LOCAL: Final = re.compile(r"#/\$defs/([A-Za-z0-9._-]+)")
_UNBOUNDED: Final = ("$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$anchor", "$id", "$vocabulary")


class Mode(StrEnum):
    """What becomes of a touchpoint that violates the schema of its kind."""

    WARN = "warn"
    REJECT = "reject"


class InvalidSchema(ValueError):
    """This is no schema that can be used; ``pointer`` is into the document, the message says why."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


class Violation(NamedTuple):
    """Where a touchpoint is not as it should be, what was expected there, and which ``place`` of the schema says so.

    There are never more places than a schema has keywords, whatever is sent. Values are not told, names may be.
    """

    pointer: str
    detail: str
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A version made ready. What it says nothing about may be anything."""

    properties: "_Part | None"
    traits: "_Part | None"

    def violations(self, properties: Any, traits: Any) -> list[Violation]:
        """The first of them, none when both are as they should be; what is not there is an empty object."""
        found = [] if self.properties is None else list(self.properties.violations(properties))
        return found if self.traits is None else found + list(self.traits.violations(traits))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The schema of either, and what it costs."""

    name: str
    validator: jsonschema_rs.Validator
    cost: "_Cost"

    def violations(self, value: Any) -> Iterator[Violation]:
        if self.cost.work > _SMALL_WORK and _is_larger(value, _MAX_WORK // self.cost.work):
            yield self._of_all("it is too large to be held against a schema of this size")
            return
        if self.validator.is_valid(value):
            return
        if self.cost.values * _bytes(value, is_by_name=self.cost.is_by_name)[1] > _MAX_ERROR_BYTES:
            yield self._of_all("it is not as the schema says, and too large to say where")
            return
        for error in islice(self.validator.iter_errors(value), _MAX_VIOLATIONS):
            pointer = f"/{self.name}{_pointer(error.instance_path)}"
            yield Violation(pointer, error.message[:_MAX_DETAIL], f"/{self.name}{_pointer(error.schema_path)}")

    def _of_all(self, detail: str) -> Violation:
        return Violation(f"/{self.name}", detail, f"/{self.name}")


class _Cost(NamedTuple):
    """How many ``values`` a schema unfolds to, the ``work`` of holding it against one, its ``patterns``.

    ``is_by_name`` when it says something of names, of which every error has a copy of all that is beside the name.
    """

    values: int
    work: int
    patterns: int
    is_by_name: bool


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """The active version of a kind's schema, and what becomes of what violates it."""

    version: int
    mode: Mode
    schema: Schema


def read_schema(document: Mapping[str, Any]) -> Schema:
    """The schemas under ``properties`` and ``traits``, of which at least one is there. Raises InvalidSchema."""
    properties, traits = document.get("properties"), document.get("traits")
    if properties is None and traits is None:
        raise InvalidSchema("", "give a schema for `properties`, for `traits`, or for both")
    return Schema(_compiled("properties", properties), _compiled("traits", traits))


def written(document: Mapping[str, Any]) -> str:
    """The document as it is kept: the same for the same. Raises InvalidSchema when it is too large or no JSON."""
    said = {name: document[name] for name in ("properties", "traits") if document.get(name) is not None}
    try:
        text = msgspec.json.encode(said, order="sorted")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidSchema("", f"a schema is JSON: {error}") from None
    if len(text) > MAX_BYTES:
        raise InvalidSchema("", f"the schemas of a version have at most {MAX_BYTES} bytes together")
    return text.decode()


def check_together(texts: Iterable[str]) -> None:
    """Raise InvalidSchema when these documents, as they are kept, are too much for one workspace to have in force."""
    values = patterns = 0
    for text in texts:
        for part in msgspec.json.decode(text).values():
            cost = _Measure(part, "").measured()
            values += cost.values
            patterns += cost.patterns
    if values > _MAX_VALUES_IN_FORCE or patterns > _MAX_PATTERNS_IN_FORCE:
        most = f"{_MAX_VALUES_IN_FORCE} values and {_MAX_PATTERNS_IN_FORCE} patterns"
        raise InvalidSchema("", f"the schemas in force of a workspace have at most {most} together")


def read_written(text: str) -> Schema:
    """The schema of a document as it is kept. Raises InvalidSchema."""
    return read_schema(msgspec.json.decode(text))


def _compiled(name: str, said: Any) -> _Part | None:
    if said is None:
        return None
    pointer = f"/{name}"
    if not isinstance(said, dict):
        raise InvalidSchema(pointer, "a schema is an object")
    if said.get("$schema", _DIALECT) != _DIALECT:
        raise InvalidSchema(f"{pointer}/$schema", f"schemas are of draft 2020-12: {_DIALECT}")
    cost = _Measure(said, pointer).measured()
    try:
        validator = jsonschema_rs.Draft202012Validator(
            said, validate_formats=True, mask="it", pattern_options=_PATTERNS, offline=True
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        path = getattr(error, "instance_path", ())
        is_no_type = list(getattr(error, "schema_path", ()))[-2:] == ["type", "anyOf"]
        detail = _TYPES if is_no_type else str(error).partition("\n")[0][:_MAX_DETAIL]
        raise InvalidSchema(pointer + _pointer(path), detail) from None
    except ValueError as error:
        raise InvalidSchema(pointer, str(error)[:_MAX_DETAIL]) from None
    return _Part(name, validator, cost)


def _is_larger(value: Any, size: int) -> bool:
    """Whether its size is beyond that. Its JSON is longer and known in a fraction of the time."""
    try:
        if len(msgspec.json.encode(value)) <= size:
            return False
    except ValueError:  # half of a surrogate pair, or a number of thousands of digits
        pass
    return _size(value) > size


def _size(value: Any) -> int:
    """How many values there are in it, a long text counted as several."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values())) + sum(map(len, value)) // _TEXT_PER_VALUE
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1 + len(value) // _TEXT_PER_VALUE if isinstance(value, str) else 1


def _bytes(value: Any, *, is_by_name: bool) -> tuple[int, int]:
    """What it takes, and what as many errors would as there are values in it: each has a copy of its own."""
    if not isinstance(value, dict | list):
        size = _VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
        return size, size
    size, copies = _VALUE_BYTES, 1
    if isinstance(value, dict):
        size += sum(map(len, value))
        copies += len(value) if is_by_name else 0
    total = 0
    for one in value.values() if isinstance(value, dict) else value:
        own, inner = _bytes(one, is_by_name=is_by_name)
        size += own
        total += inner
    return size, total + size * copies


def _pointer(path: Any) -> str:
    return "".join(["/" + str(step).replace("~", "~0").replace("/", "~1") for step in path])


class _Measure:
    """What a schema would cost, from its text alone."""

    def __init__(self, schema: dict[str, Any], pointer: str) -> None:
        self._schema = schema
        self._pointer = pointer
        self._patterns = 0
        self._is_by_name = False
        self._costs: dict[str, tuple[int, int]] = {}
        self._open: set[str] = set()

    def measured(self) -> _Cost:
        """It all. Raises InvalidSchema for too many values, or where that cannot be known."""
        values, work = self._cost(self._schema, self._pointer, 0)
        if values > _MAX_UNFOLDED:
            message = f"with its references unfolded a schema has at most {_MAX_UNFOLDED} values"
            raise InvalidSchema(self._pointer, f"{message}; in one with {' or '.join(_LOOKING_BACK)} each is three")
        return _Cost(values, work, self._patterns, self._is_by_name)

    def _cost(self, value: Any, pointer: str, depth: int) -> tuple[int, int]:
        """Values, and the work of checking them."""
        if depth > _MAX_DEPTH:
            raise InvalidSchema(pointer, f"a schema is at most {_MAX_DEPTH} levels deep, its references included")
        if isinstance(value, list):
            return _sum(self._cost(one, f"{pointer}/{place}", depth + 1) for place, one in enumerate(value))
        if not isinstance(value, dict):
            return 1, 1
        self._check(value, pointer)
        for name, one in value.get("$defs", {}).items() if depth == 0 and isinstance(value.get("$defs"), dict) else ():
            self._of(name, one, depth)
        inner = [self._cost(one, f"{pointer}/{name}", depth + 1) for name, one in value.items() if name != "$defs"]
        values, work = _sum([*inner, self._referred(value.get("$ref"), pointer, depth)])
        often = _LOOKED_BACK_AT ** sum(name in value for name in _LOOKING_BACK)
        return values * often, (work + self._work(value)) * often

    def _work(self, value: dict[str, Any]) -> int:
        """Of its own keywords, beyond that of any."""
        said, named = value.get("format"), value.get("patternProperties")
        work = sum(more for name, more in _WORK.items() if name in value)
        work += _SLOW_FORMAT_WORK if isinstance(said, str) and said.startswith(_SLOW_FORMAT) else 0
        return work + (_WORK["pattern"] * len(named) if isinstance(named, dict) else 0)

    def _referred(self, reference: Any, pointer: str, depth: int) -> tuple[int, int]:
        """What is behind a reference; a property that is called ``$ref`` has an object here."""
        if not isinstance(reference, str):
            return 0, 0
        found = _LOCAL.fullmatch(reference)
        known = self._schema.get("$defs")
        if found is None or not isinstance(known, dict) or found[1] not in known:
            raise InvalidSchema(f"{pointer}/$ref", "a reference is to `#/$defs/name` of the same schema")
        if found[1] in self._open:
            raise InvalidSchema(f"{pointer}/$ref", "a schema does not refer to itself")
        return self._of(found[1], known[found[1]], depth + 1)

    def _of(self, name: str, definition: Any, depth: int) -> tuple[int, int]:
        if name not in self._costs:
            self._open.add(name)
            self._costs[name] = self._cost(definition, f"{self._pointer}/$defs/{name}", depth + 1)
            self._open.discard(name)
        return self._costs[name]

    def _check(self, value: dict[str, Any], pointer: str) -> None:
        """Raise InvalidSchema for what is never taken."""
        self._is_by_name |= "propertyNames" in value
        self._check_patterns(value, pointer)
        if isinstance(value.get("enum"), list) and any(isinstance(one, list | dict) for one in value["enum"]):
            raise InvalidSchema(f"{pointer}/enum", "an enum is of texts, numbers, booleans and null")  # others are slow
        for name in _UNBOUNDED:
            if isinstance(value.get(name), str | bool):
                raise InvalidSchema(f"{pointer}/{name}", f"{name} is not taken: refer to `#/$defs/name`")

    def _check_patterns(self, value: dict[str, Any], pointer: str) -> None:
        named = value.get("patternProperties")
        patterns = list(named) if isinstance(named, dict) else []
        if isinstance(value.get("pattern"), str):
            patterns.append(value["pattern"])
        self._patterns += len(patterns)
        if self._patterns > _MAX_PATTERNS or any(len(pattern) > _MAX_PATTERN for pattern in patterns):
            message = f"a schema has at most {_MAX_PATTERNS} patterns of {_MAX_PATTERN} characters"
            raise InvalidSchema(pointer, message)


def _sum(costs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """One value with these in it."""
    values = work = 1
    for more, longer in costs:
        values += more
        work += longer
    return values, work
