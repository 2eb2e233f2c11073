"""Finding the items of an array in bytes that are not all JSON, so that one bad item does not take the others with it.

Only brackets and strings are looked at; each piece that is found is decoded afterwards like any other.
"""

import re
from dataclasses import dataclass
from typing import Final

_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""A string; one that never ends goes on to the end, so that nothing is looked at twice (it could be for hours)."""
_TOKEN: Final = re.compile(_TEXT + rb"|[{\[]+|[}\]]+", re.DOTALL)
_STRING: Final = re.compile(_TEXT, re.DOTALL)
_ARRAY_FOLLOWS: Final = re.compile(rb"\s*:\s*\[")
_MAX_TOKENS: Final = 200_000
_SPACE: Final = b" \t\r\n"


def depth_of(raw: bytes) -> int:
    """How deep brackets outside of strings are nested."""
    depth = deepest = 0
    for token in _TOKEN.finditer(raw):
        first = raw[token.start()]
        if first in b"{[":
            depth += token.end() - token.start()
            deepest = max(deepest, depth)
        elif first in b"}]":
            depth -= token.end() - token.start()
    return deepest


def without_strings(raw: bytes) -> bytes:
    """The bytes with every string emptied."""
    return _STRING.sub(b'""', raw)


def strings_of(raw: bytes) -> list[bytes]:
    """Every string, quotes and escapes included."""
    return _STRING.findall(raw)


def split_lines(body: bytes) -> list[bytes] | None:
    """The objects of newline-delimited JSON, one a line; None when it is something else."""
    lines = [line.strip(_SPACE) for line in body.split(b"\n")]
    lines = [line for line in lines if line]
    if len(lines) > 1 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
        return lines
    return None


@dataclass(frozen=True, slots=True)
class Array:
    """The items of an array that was found, and what stood around it."""

    items: list[bytes]
    before: bytes
    after: bytes

    def envelope(self) -> bytes:
        """The body with the array emptied."""
        return self.before + self.after


def split_array(body: bytes, name: bytes) -> Array | None:
    """The array that is the whole body, or the member ``name`` of the object that is.

    None when there is no such array, when it does not end, or when the body has too many pieces to look at.
    """
    start = _array_start(body, name)
    return None if start is None else _items(body, start)


def _array_start(body: bytes, name: bytes) -> int | None:
    """The place behind the opening bracket."""
    begin = len(body) - len(body.lstrip(_SPACE))
    if body[begin : begin + 1] == b"[":
        return begin + 1
    depth = 0
    for token in _TOKEN.finditer(body):
        text = token.group()
        if text[0] in b"{[":
            depth += len(text)
        elif text[0] in b"}]":
            depth -= len(text)
        elif depth == 1 and text[1:-1] == name and (found := _ARRAY_FOLLOWS.match(body, token.end())):
            return found.end()
    return None


def _items(body: bytes, start: int) -> Array | None:
    items: list[bytes] = []
    depth, item_start, gap_start = 0, start, start
    for count, token in enumerate(_TOKEN.finditer(body, start)):
        if count > _MAX_TOKENS:
            return None
        size = token.end() - token.start()
        first = body[token.start()]
        if first in b"{[":
            if depth == 0:
                item_start = token.start()
                items.extend(_scalars(body[gap_start:item_start]))
            depth += size
        elif first in b"}]":
            if size >= depth > 0:
                gap_start = token.start() + depth
                items.append(body[item_start:gap_start])
            if size > depth:
                end = token.start() + depth
                items.extend(_scalars(body[gap_start:end]))
                return Array(items, body[:start], body[end:])
            depth -= size
    return None


def _scalars(gap: bytes) -> list[bytes]:
    """What stands between objects: nothing but a comma if all is well."""
    return [piece for part in gap.split(b",") if (piece := part.strip(_SPACE))]
