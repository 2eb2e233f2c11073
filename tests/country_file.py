"""A database of countries in MaxMind's format, as small as one can be: made here, so that none has to be shipped."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_MARKER: Final = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR: Final = bytes(16)
_RECORD_BYTES: Final = 3
_UINT16: Final = 5
_UINT32: Final = 6
_UINT64: Final = 9
_ARRAY: Final = 11
_BEYOND: Final = 7
"""Types above this one are told in a byte of their own."""


def write_countries(path: Path, countries: Mapping[str, str]) -> None:
    """A file that says of each IPv4 network which country it is in."""
    data, places = b"", {}
    for network, code in countries.items():
        places[network] = len(data)
        data += _encoded({"country": {"iso_code": code}})
    nodes: list[list[Any]] = [[None, None]]
    for network, place in places.items():
        _plant(nodes, ipaddress.IPv4Network(network), place)
    tree = b"".join(_record(side, len(nodes)) for node in nodes for side in node)
    described = {
        "binary_format_major_version": (_UINT16, 2),
        "binary_format_minor_version": (_UINT16, 0),
        "build_epoch": (_UINT64, 1),
        "database_type": "test",
        "description": {"en": "test"},
        "ip_version": (_UINT16, 4),
        "languages": [],
        "node_count": (_UINT32, len(nodes)),
        "record_size": (_UINT16, 8 * _RECORD_BYTES),
    }
    path.write_bytes(tree + _SEPARATOR + data + _MARKER + _encoded(described))


def _plant(nodes: list[list[Any]], network: ipaddress.IPv4Network, place: int) -> None:
    bits = f"{int(network.network_address):032b}"[: network.prefixlen]
    at = 0
    for bit in map(int, bits[:-1]):
        if nodes[at][bit] is None:
            nodes[at][bit] = ("node", len(nodes))
            nodes.append([None, None])
        at = nodes[at][bit][1]
    nodes[at][int(bits[-1])] = ("data", place)


def _record(side: tuple[str, int] | None, count: int) -> bytes:
    """A node's number; the count of nodes where nothing is known; beyond it a place among the data."""
    if side is None:
        return count.to_bytes(_RECORD_BYTES)
    kind, number = side
    return (number if kind == "node" else count + len(_SEPARATOR) + number).to_bytes(_RECORD_BYTES)


def _encoded(value: Any) -> bytes:
    if isinstance(value, dict):
        inner = b"".join(_encoded(name) + _encoded(one) for name, one in value.items())
        return _control(7, len(value)) + inner
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _control(_ARRAY, len(value)) + b"".join(map(_encoded, value))
    kind, number = value
    digits = int(number).to_bytes(8).lstrip(b"\0")
    return _control(kind, len(digits)) + digits


def _control(kind: int, size: int) -> bytes:
    if kind > _BEYOND:
        return bytes([size, kind - _BEYOND])
    return bytes([kind << 5 | size]) if size < 29 else bytes([kind << 5 | 29, size - 29])
