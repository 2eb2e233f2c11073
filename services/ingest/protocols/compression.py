"""Bodies as sent to bodies as meant: gzip and zstd, known by their first bytes whatever the header says, never larger
than allowed however small they came."""

import zlib
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
        return _unzstd(body, max_bytes)
    if encoding and encoding.strip().lower() not in _PLAIN:
        raise UnsupportedEncoding("compress with gzip or zstd, or not at all")
    return body


def too_large(max_bytes: int) -> TooLarge:
    """The error of a body above the limit."""
    return TooLarge(f"a request takes at most {max_bytes} bytes, decompressed too; send it in smaller pieces")


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


def _unzstd(body: bytes, max_bytes: int) -> bytes:
    room = bytearray(max_bytes + 1)
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise too_large(max_bytes) from None
        raise UnsupportedEncoding("the zstd body is damaged") from None
    if size > max_bytes:
        raise too_large(max_bytes)
    return bytes(memoryview(room)[:size])
