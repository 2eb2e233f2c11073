"""lz-string, as old PostHog SDKs compress with it: a decoder that stops where a text has become too large.

The package of that name has no such bound, and a short text may stand for gigabytes.
"""

import base64
import binascii
from typing import Final

from services.ingest.protocols.compression import too_large
from shared.errors import UnsupportedEncoding

_MAX_COMPRESSED: Final = 256 * 1024
"""Decoding goes code by code, at a few million a second."""

_CHARACTER_BITS: Final = (8, 16)
_END: Final = len(_CHARACTER_BITS)


class _Bits:
    """Numbers out of a row of bits, the lowest bit of each first."""

    __slots__ = ("_bits", "_place")

    def __init__(self, data: bytes) -> None:
        self._bits = format(int.from_bytes(data, "big"), f"0{8 * len(data)}b")
        self._place = 0

    def take(self, count: int) -> int:
        """The number in the next bits. Raises UnsupportedEncoding behind the last."""
        end = self._place + count
        if end > len(self._bits):
            raise UnsupportedEncoding("the lz-string body is not complete")
        number = int(self._bits[self._place : end][::-1], 2)
        self._place = end
        return number


def from_base64(text: bytes, max_chars: int) -> bytes:
    """The text as UTF-8, out of what ``compressToBase64`` made of it. Raises UnsupportedEncoding, TooLarge."""
    if len(text) > _MAX_COMPRESSED:
        raise too_large(_MAX_COMPRESSED)
    plain = text.rstrip(b"=")
    try:
        data = base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UnsupportedEncoding("the lz-string body is damaged") from None
    units = _decoded(_Bits(data), max_chars) if data else ""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _decoded(bits: _Bits, max_chars: int) -> str:
    """Every code is a phrase seen before, or announces a new character; each phrase extends the one before it."""
    code = bits.take(2)
    if code == _END:
        return ""
    phrase = _character(bits, code)
    phrases = ["", "", "", phrase]
    found, size, width, room = [phrase], 1, 3, 4
    while True:
        code = bits.take(width)
        if code == _END:
            return "".join(found)
        if code < _END:
            phrases.append(_character(bits, code))
            code = len(phrases) - 1
            room -= 1
            if room == 0:
                room, width = 1 << width, width + 1
        if code > len(phrases):
            raise UnsupportedEncoding("the lz-string body is damaged")
        following = phrases[code] if code < len(phrases) else phrase + phrase[0]
        size += len(following)
        if size > max_chars:
            raise too_large(max_chars)
        found.append(following)
        phrases.append(phrase + following[0])
        phrase = following
        room -= 1
        if room == 0:
            room, width = 1 << width, width + 1


def _character(bits: _Bits, code: int) -> str:
    if code >= _END:
        raise UnsupportedEncoding("the lz-string body is damaged")
    return chr(bits.take(_CHARACTER_BITS[code]))
