"""Does a touchpoint match, does a value pass a test (the model's language)."""

from collections.abc import Mapping
from typing import Any

from tests.reference.message import Message


def matches(when: Mapping[str, Any], message: Message) -> bool:
    """``{kind: K | [K...], where: {FIELD: TEST}}``: the kind and all tests."""
    kinds = when["kind"] if isinstance(when["kind"], list) else [when["kind"]]
    tests = when.get("where", {})
    return message["kind"] in kinds and all(passes(field(message, name), test) for name, test in tests.items())


def field(message: Message, name: str) -> Any:
    """What a touchpoint says under a dotted name, or None."""
    if name == "value.amount":
        return number_of(message.get("value", {}).get("amount"))
    found: Any = message
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def number_of(text: Any) -> float | None:
    """An amount's decimal text as a number."""
    return float(text) if isinstance(text, str) else None


def passes(value: Any, test: Any) -> bool:
    """One value against one test; what is missing passes nothing."""
    if not isinstance(test, Mapping):
        return same(value, test)
    return all(_passes(value, name, content) for name, content in test.items())


def _passes(value: Any, name: str, content: Any) -> bool:
    match name:
        case "equals":
            return same(value, content)
        case "in":
            return any(same(value, each) for each in content)
        case "prefix":
            return isinstance(value, str) and value.startswith(content)
        case "at_least":
            return is_number(value) and value >= content
        case "present":
            return (value is not None) is content
    raise ValueError(name)


def same(value: Any, scalar: Any) -> bool:
    """Equal and of one sort: text, truth value or number."""
    if is_number(value) and is_number(scalar):
        return bool(value == scalar)
    return type(value) is type(scalar) and bool(value == scalar) and value is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
