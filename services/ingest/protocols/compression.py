"""Bodies as sent to bodies as meant, never larger than allowed however small they came: gzip and zstd, known by their
first bytes whatever the header says, and deflate and br, which only the header tells."""

import zlib
from collections.abc import Callable
from typing import Final

import cramjam

from shared.errors import TooLarge, UnsupportedEncoding

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MAX_MEMBERS: Final = 32
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_PLAIN: Final = frozenset({b"", b"identity", b"gzip", b"x-gzip", b"zstd"})


def decompressed(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """The plain body. Raises TooLarge, UnsupportedEncoding."""
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    start = body[:4]
    if start[:2] == _GZIP:
        return _gunzipped(body, max_bytes)
    if start == _ZSTD:
        return _filled(cramjam.zstd.decompress_into, body, max_bytes)
    return _decompressed_as(encoding.strip().lower(), body, max_bytes) if encoding else body


def too_large(max_bytes: int) -> TooLarge:
    """The error of a body above the limit."""
    return TooLarge(f"a request takes at most {max_bytes} bytes, decompressed too; send it in smaller pieces")


def _decompressed_as(encoding: bytes, body: bytes, max_bytes: int) -> bytes:
    match encoding:
        case b"deflate":
            return _inflated(body, max_bytes)
        case b"br":
            return _filled(cramjam.brotli.decompress_into, body, max_bytes)
        case _ if encoding in _PLAIN:
            return body
        case _:
            raise UnsupportedEncoding("compress with gzip, zstd, br or deflate, or not at all")


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """Of a zlib body, which is what ``deflate`` means."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(body, max_bytes + 1)
    except zlib.error:
        raise UnsupportedEncoding("the deflate body is damaged, or none") from None
    if len(plain) > max_bytes:
        raise too_large(max_bytes)
    if not inflater.eof:
        raise UnsupportedEncoding("the deflate body is not complete")
    return plain


def _gunzipped(body: bytes, max_bytes: int) -> bytes:
    """All members of a gzip body."""
    parts: list[bytes] = []
    room, rest = max_bytes, body
    while rest[:2] == _GZIP:
        if len(parts) == _MAX_MEMBERS:  # each costs a copy of the rest
            raise UnsupportedEncoding(f"a gzip body has at most {_MAX_MEMBERS} members")
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error:
            raise UnsupportedEncoding("the gzip body is damaged") from None
        if len(part) > room:
            raise too_large(max_bytes)
        if not member.eof:
            raise UnsupportedEncoding("the gzip body is not complete")
        parts.append(part)
        room -= len(part)
        rest = member.unused_data
    return b"".join(parts)


def _filled(decompress_into: Callable[[bytes, bytearray], int], body: bytes, max_bytes: int) -> bytes:
    """Decompressed into as much room as there may be."""
    room = bytearray(max_bytes + 1)
    try:
        size = decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise too_large(max_bytes) from None
        raise UnsupportedEncoding("the body is damaged, or not compressed as its Content-Encoding says") from None
    if size > max_bytes:
        raise too_large(max_bytes)
    return bytes(memoryview(room)[:size])
