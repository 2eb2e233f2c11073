"""Where a request may carry its key: Bearer, Basic user name, query. (A body is the route's business.)"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qsl

_QUERY_NAMES: Final = frozenset({"writeKey", "write_key"})
_QUERY_MARKS: Final = (b"writeKey=", b"write_key=")


def header_key(authorization: bytes | None) -> str:
    """The key in an ``Authorization`` header, empty when there is none. Basic may come without its colon."""
    if authorization is None:
        return ""
    scheme, _, rest = authorization.partition(b" ")
    match scheme.lower():
        case b"bearer":
            return rest.strip().decode("latin-1")
        case b"basic":
            return _basic_user(rest.strip())
        case _:
            return ""


def header_keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[str]:
    """The keys in all ``Authorization`` headers."""
    return (header_key(value) for name, value in headers if name == b"authorization")


def query_keys(query: bytes) -> Iterator[str]:
    """Write keys in the query string, for beacons without headers. Secret keys never belong into an address."""
    if query and any(mark in query for mark in _QUERY_MARKS):
        for name, value in parse_qsl(query.decode("latin-1")):
            if name in _QUERY_NAMES and value.startswith("tw_"):
                yield value


def _basic_user(encoded: bytes) -> str:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[0].decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
