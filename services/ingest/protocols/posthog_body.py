"""What a PostHog request holds, however it is wrapped: in a query, a form, base64, gzip, lz-string, several at once."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from services.ingest.protocols import lz_string
from services.ingest.protocols.compression import decompressed

_MAX_WRAPPINGS: Final = 4
_MAX_FIELDS: Final = 64
_LZ: Final = frozenset({"lz64", "lz-string"})
_TRANSPORTS: Final = {"deflate": b"deflate", "br": b"br"}
"""Encodings that their first bytes do not tell; all others are known by those, or are names of base64."""

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_ -]+={0,2}\s*")
_SIGN: Final = 128


def fields_of(query: bytes) -> dict[str, str]:
    """The parameters of a query; empty when there are too many."""
    try:
        return dict(parse_qsl(query.decode("latin-1"), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def unwrapped(body: bytes, query: Mapping[str, str], encoding: bytes, max_bytes: int) -> bytes:
    """The JSON in a request, or whatever is there instead. Raises TooLarge, UnsupportedEncoding."""
    payload = query["data"].encode() if query.get("data") else body
    hint = query.get("compression", "")
    form = _form(payload)
    if form is not None:
        payload, hint = form["data"].encode(), hint or form.get("compression", "")
    hint = (hint or encoding.decode("latin-1")).strip().lower()
    if hint in _LZ:
        return lz_string.from_base64(_pure(payload), max_bytes)
    payload = decompressed(payload, _TRANSPORTS.get(hint, b""), max_bytes)
    for _ in range(_MAX_WRAPPINGS):
        inside = _inside(payload, max_bytes)
        if inside is None:
            break
        payload = inside
    return payload


def _form(payload: bytes) -> dict[str, str] | None:
    """The fields of a form that has ``data``, by its looks: content types say nothing."""
    if not payload.startswith(b"data=") and b"&data=" not in payload[:_SIGN]:
        return None
    try:
        fields = dict(
            parse_qsl(payload.decode("latin-1"), encoding="utf-8", errors="replace", max_num_fields=_MAX_FIELDS)
        )
    except ValueError:
        return None
    return fields if "data" in fields else None


def _inside(payload: bytes, max_bytes: int) -> bytes | None:
    """What is wrapped in the payload, None when it is wrapped no further."""
    plain = decompressed(payload, b"", max_bytes)
    if plain is not payload:
        return plain
    if payload.lstrip()[:1] in {b"{", b"[", b""} or not _BASE64.fullmatch(payload[:_SIGN]):
        return None
    text = _pure(payload).translate(_URL_SAFE).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def _pure(payload: bytes) -> bytes:
    """Base64 in which forms have turned ``+`` into spaces."""
    return payload.strip().replace(b" ", b"+")
