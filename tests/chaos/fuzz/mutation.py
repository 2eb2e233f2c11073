"""Mutations that know what an input is made of: JSON's names and values, wrappings; and one that makes it large.

The plain ones (bits, bytes, splices) are libFuzzer's where it is there, and ours where it is not.
"""

import base64
import gzip
import random
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from tests.chaos.fuzz.vectors import names, objects

MAX_BYTES: Final = 1024 * 1024
_LARGE: Final = 0.004
"""How many of the mutations make an input as large as may be: it takes a thousand times as long to read."""

_PIECE: Final = 400
_VALUE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null')
_HOSTILE: Final = (
    b'"\\ud800"', b'"\\u0000"', b'"\\ud83d\\ude00"', b"1e400", b"-0", b"9" * 25, b"9" * 5_000, b"0." + b"0" * 400,
    b"1e-999999", b"NaN", b"-Infinity", b"[]", b"{}", b'""', b"null", b"true", b"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    b'"\xff"', b'"\xed\xa0\x80"', b'"' + b"a" * 3_000 + b'"', b'"9999-12-31T23:59:59.999999+14:00"', b"%", b"+",
    b'"0001-01-01T00:00:00Z"', b'"-1"', b"1795000000000000", b'"https://[::1"', b'"http://a@[b/?utm_source=%ff"',
    b"%00", b"%ED%A0%80", b'{"a":1,"a":2}', b"\r\n", b"\0", b"\xc2\x85", b'"\\', b'"1" : ', b"<!DOCTYPE a>", b"&#x0;",
    b"]]>", b"--x--",
)  # fmt: skip

_Mutation = Callable[[bytes, random.Random], bytes]


def mutated(data: bytes, chance: random.Random, max_bytes: int = MAX_BYTES) -> bytes:
    """One to four mutations of the input."""
    if chance.random() < _LARGE:
        return _enlarged(data, chance)[:max_bytes]
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_ALL)(data, chance)
    return data[:max_bytes]


def _value_replaced(data: bytes, chance: random.Random) -> bytes:
    """One value of the JSON by another, or a hostile one."""
    found = list(_VALUE.finditer(data[: 64 * 1024]))
    if not found:
        return _inserted(data, chance)
    one = chance.choice(found)
    other = chance.choice(_HOSTILE) if chance.random() < 0.5 else chance.choice(found)[0]
    return data[: one.start()] + other + data[one.end() :]


def _named_otherwise(data: bytes, chance: random.Random) -> bytes:
    """One name or text by one that occurs elsewhere in the corpus."""
    found = list(re.finditer(rb'"(?:[^"\\]|\\.)*"', data[: 64 * 1024]))
    if not found:
        return _inserted(data, chance)
    one = chance.choice(found)
    return data[: one.start()] + chance.choice(names()) + data[one.end() :]


def _member_added(data: bytes, chance: random.Random) -> bytes:
    """A member more in some object, with a value from elsewhere."""
    at = [match.end() for match in re.finditer(rb"\{", data[: 64 * 1024])]
    if not at:
        return _inserted(data, chance)
    begin = chance.choice(at)
    value = chance.choice(_HOSTILE) if chance.random() < 0.3 else chance.choice(objects())[: _PIECE * 4]
    return data[:begin] + chance.choice(names()) + b":" + value + b"," + data[begin:]


def _deepened(data: bytes, chance: random.Random) -> bytes:
    """One value of the JSON within as many lists or objects as a decoder may take or not."""
    found = list(_VALUE.finditer(data[: 64 * 1024]))
    begin, end = chance.choice(found).span() if found else (0, len(data))
    levels = chance.choice((20, 100, 400, chance.randint(401, 1_000), 3_000))
    opening, closing = chance.choice(((b"[", b"]"), (b"{" + chance.choice(names()) + b":", b"}")))
    return data[:begin] + opening * levels + data[begin:end] + closing * levels + data[end:]


def _inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_HOSTILE) + data[at:]


def _removed(data: bytes, chance: random.Random) -> bytes:
    begin, end = _span(data, chance)
    return data[:begin] + data[end:]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    begin, end = _span(data, chance)
    return data[:end] + data[begin:end] * chance.choice((1, 1, 2, 3, 40)) + data[end:]


def _spliced(data: bytes, chance: random.Random) -> bytes:
    other = chance.choice(objects())
    begin, end = _span(other, chance)
    at = chance.randint(0, len(data))
    return data[:at] + other[begin:end] + data[at:]


def _bytes_changed(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return bytes([chance.randrange(256)])
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _wrapped(data: bytes, chance: random.Random) -> bytes:
    """The body compressed or coded, as clients do, perhaps damaged afterwards."""
    head, blank, body = data.rpartition(b"\n\n")
    return head + blank + chance.choice(_WRAPPINGS)(body)


def _enlarged(data: bytes, chance: random.Random) -> bytes:
    """A piece of it so many times that the whole is as large as may be: what costs its square shows now."""
    begin, end = _span(data, chance)
    piece = data[begin:end] or b"["
    size = chance.choice((64 * 1024, 256 * 1024, MAX_BYTES))
    return data[:end] + piece * max(1, (size - len(data)) // len(piece)) + data[end:]


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice((1, 2, 4, 16, 64, _PIECE)))


_WRAPPINGS: Final[Sequence[Callable[[bytes], bytes]]] = (
    lambda body: gzip.compress(body, 1),
    lambda body: zlib.compress(body, 1),
    base64.b64encode,
    base64.urlsafe_b64encode,
    lambda body: b"data=" + base64.b64encode(body),
    lambda body: b"[" + body + b"]",
    lambda body: b'{"batch":[' + body + b"]}",
)
_ALL: Final[Sequence[_Mutation]] = (
    _value_replaced, _value_replaced, _named_otherwise, _named_otherwise, _member_added, _inserted, _removed, _repeated,
    _spliced, _bytes_changed, _bytes_changed, _wrapped, _deepened,
)  # fmt: skip
