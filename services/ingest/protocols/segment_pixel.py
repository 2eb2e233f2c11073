"""Segment's pixel: one call in the query of an image's address, as base64 JSON in ``data`` or as flat parameters."""

import base64
import binascii
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

_MAX_PARTS: Final = 8


def item_of_query(query: bytes) -> bytes:
    """The call as JSON; empty when the query holds none."""
    fields = parse_qsl(query.decode("latin-1"), encoding="utf-8", errors="replace")
    said = dict(fields)
    if "data" in said:
        return _decoded(said["data"])
    nested: dict[str, Any] = {}
    for name, value in fields:
        _put(nested, name.split("."), value)
    return msgspec.json.encode(nested) if nested else b""


def _decoded(data: str) -> bytes:
    text = data.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _put(nested: dict[str, Any], path: list[str], value: str) -> None:
    """``properties.subject=Hello`` to ``{"properties": {"subject": "Hello"}}``."""
    for name in path[: min(len(path) - 1, _MAX_PARTS)]:
        inner = nested.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        nested = inner
    nested[path[-1]] = value
