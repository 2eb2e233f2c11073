"""What the properties and traits of a kind of touchpoint must be like: JSON Schema, draft 2020-12, made ready once.

A schema is written by one workspace and obeyed in a process that serves all, so what one costs is bounded beforehand:
its size, what its references unfold to, and its patterns, which take time by the length of a text and not more.
"""

import re
from collections.abc import Iterator, Mapping
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
_MAX_CHECKS: Final = 100_000
"""Values of an item times those of the schema: beyond it only whether there is a violation is looked at, not where."""

_MAX_DETAIL: Final = 300

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
    """The schema of either; ``cost`` is how many values it unfolds to."""

    name: str
    validator: jsonschema_rs.Validator
    cost: int

    def violations(self, value: Any) -> Iterator[Violation]:
        if self.validator.is_valid(value):
            return
        if self.cost * _size(value) > _MAX_CHECKS:
            yield Violation(
                f"/{self.name}", "it is not as the schema says, and too large to say where", f"/{self.name}"
            )
            return
        for error in islice(self.validator.iter_errors(value), _MAX_VIOLATIONS):
            pointer = f"/{self.name}{_pointer(error.instance_path)}"
            yield Violation(pointer, error.message[:_MAX_DETAIL], f"/{self.name}{_pointer(error.schema_path)}")


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
        raise InvalidSchema(pointer + _pointer(path), str(error).partition("\n")[0][:_MAX_DETAIL]) from None
    except ValueError as error:
        raise InvalidSchema(pointer, str(error)[:_MAX_DETAIL]) from None
    return _Part(name, validator, cost)


def _size(value: Any) -> int:
    """How many values there are in it."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _pointer(path: Any) -> str:
    return "".join(["/" + str(step).replace("~", "~0").replace("/", "~1") for step in path])


class _Measure:
    """What a schema would cost, from its text alone."""

    def __init__(self, schema: dict[str, Any], pointer: str) -> None:
        self._schema = schema
        self._pointer = pointer
        self._patterns = 0
        self._costs: dict[str, int] = {}
        self._open: set[str] = set()

    def measured(self) -> int:
        """How many values it unfolds to. Raises InvalidSchema for too many, or where that cannot be known."""
        cost = self._cost(self._schema, self._pointer, 0)
        if cost > _MAX_UNFOLDED:
            message = f"with its references unfolded a schema has at most {_MAX_UNFOLDED} values"
            raise InvalidSchema(self._pointer, message)
        return cost

    def _cost(self, value: Any, pointer: str, depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise InvalidSchema(pointer, f"a schema is at most {_MAX_DEPTH} levels deep, its references included")
        if isinstance(value, list):
            return 1 + sum(self._cost(one, f"{pointer}/{place}", depth + 1) for place, one in enumerate(value))
        if not isinstance(value, dict):
            return 1
        self._check_patterns(value, pointer)
        if isinstance(value.get("enum"), list) and any(isinstance(one, list | dict) for one in value["enum"]):
            raise InvalidSchema(f"{pointer}/enum", "an enum is of texts, numbers, booleans and null")  # others are slow
        for name in _UNBOUNDED:
            if isinstance(value.get(name), str | bool):
                raise InvalidSchema(f"{pointer}/{name}", f"{name} is not taken: refer to `#/$defs/name`")
        inner = sum(self._cost(one, f"{pointer}/{name}", depth + 1) for name, one in value.items() if name != "$defs")
        for name, one in value.get("$defs", {}).items() if depth == 0 and isinstance(value.get("$defs"), dict) else ():
            self._of(name, one, depth)
        return 1 + inner + self._referred(value.get("$ref"), pointer, depth)

    def _referred(self, reference: Any, pointer: str, depth: int) -> int:
        """What is behind a reference; a property that is called ``$ref`` has an object here."""
        if not isinstance(reference, str):
            return 0
        found = _LOCAL.fullmatch(reference)
        known = self._schema.get("$defs")
        if found is None or not isinstance(known, dict) or found[1] not in known:
            raise InvalidSchema(f"{pointer}/$ref", "a reference is to `#/$defs/name` of the same schema")
        if found[1] in self._open:
            raise InvalidSchema(f"{pointer}/$ref", "a schema does not refer to itself")
        return self._of(found[1], known[found[1]], depth + 1)

    def _of(self, name: str, definition: Any, depth: int) -> int:
        if name not in self._costs:
            self._open.add(name)
            self._costs[name] = self._cost(definition, f"{self._pointer}/$defs/{name}", depth + 1)
            self._open.discard(name)
        return self._costs[name]

    def _check_patterns(self, value: dict[str, Any], pointer: str) -> None:
        named = value.get("patternProperties")
        patterns = list(named) if isinstance(named, dict) else []
        if isinstance(value.get("pattern"), str):
            patterns.append(value["pattern"])
        self._patterns += len(patterns)
        if self._patterns > _MAX_PATTERNS or any(len(pattern) > _MAX_PATTERN for pattern in patterns):
            message = f"a schema has at most {_MAX_PATTERNS} patterns of {_MAX_PATTERN} characters"
            raise InvalidSchema(pointer, message)
