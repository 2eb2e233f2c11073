"""How deep and how large free JSON may be, so that every reader behind the door can take it without looking."""

from typing import Any, Final, NamedTuple

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

MAX_DEPTH: Final = 32
MAX_ITEM_BYTES: Final = 32 * 1024
_LOWEST: Final = -(2**63)
_HIGHEST: Final = 2**63 - 1


class _Fault(NamedTuple):
    code: Code
    pointer: str
    detail: str


def is_within(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether an object or array stays within the depth, and its whole numbers within 64 bits."""
    for inner in value.values() if type(value) is dict else value:
        kind = type(inner)
        if kind is str:
            continue
        if kind is dict or kind is list:
            if depth <= 1 or not is_within(inner, depth - 1):
                return False
        elif kind is int and not _LOWEST <= inner <= _HIGHEST:
            return False
    return True


def check(value: Any, pointer: str) -> None:
    """Raise Refused, naming the place, when an object or array is too deep or has a number that is too large."""
    if not is_within(value):
        fault = _find(value, pointer, MAX_DEPTH)
        raise Refused(*(fault or _Fault(Code.TOO_DEEP, pointer, "too deep")))


def check_text(value: Any, pointer: str) -> None:
    """Raise Refused, naming the place, when a text or a name anywhere inside holds NUL, which no database takes."""
    fault = _find_nul(value, pointer)
    if fault is not None:
        raise Refused(*fault)


def _members(value: Any, pointer: str) -> list[tuple[Any, str]]:
    if isinstance(value, dict):
        return [(inner, f"{pointer}/{_escape(name)}") for name, inner in value.items()]
    if isinstance(value, list):
        return [(inner, f"{pointer}/{index}") for index, inner in enumerate(value)]
    return []


def _find(value: Any, pointer: str, depth: int) -> _Fault | None:
    if depth == 0:
        return _Fault(Code.TOO_DEEP, pointer, f"objects and arrays are nested at most {MAX_DEPTH} deep")
    for inner, place in _members(value, pointer):
        if isinstance(inner, int) and not _LOWEST <= inner <= _HIGHEST:
            return _Fault(Code.OUT_OF_RANGE, place, "a whole number fits 64 bits; send a larger one as text")
        if isinstance(inner, dict | list) and (fault := _find(inner, place, depth - 1)):
            return fault
    return None


def _find_nul(value: Any, pointer: str) -> _Fault | None:
    if isinstance(value, str) and "\0" in value:
        return _Fault(Code.INVALID_TEXT, pointer, "text holds no NUL character")
    if isinstance(value, dict) and any("\0" in name for name in value):
        return _Fault(Code.INVALID_TEXT, pointer, "a name holds no NUL character")
    for inner, place in _members(value, pointer):
        if fault := _find_nul(inner, place):
            return fault
    return None


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
