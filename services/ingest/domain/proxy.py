"""Whose address a request comes from: the connection's, or the one that a trusted proxy in front says it saw."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOP: Final = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*)(?::\d+)?|(.*)")
"""``[2001:db8::1]:4711``, ``192.0.2.1:4711``, or an IPv6 address by itself."""

_FOR: Final = re.compile(r"(?:^|;)\s*for\s*=\s*(\"[^\"]*\"|[^;\s]*)", re.IGNORECASE)


class Proxies:
    """The proxies whose word is taken. Anybody can write a header, so none is believed of a stranger."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def sender(self, peer: str, hops: str) -> str:
        """The address of the sender: of ``peer`` and, before it, the ``hops`` from left to right, the last that is
        no trusted proxy; of trusted proxies alone the first. Empty where that is no address.
        """
        if not self._networks or not hops:
            return peer
        said, address = hops.split(","), _address(peer)
        while said and address is not None and any(address in one for one in self._networks):
            address = _address_of_hop(said.pop())
        return str(address or "")


def hops_of(forwarded: str) -> str:
    """The addresses of a ``Forwarded`` header (RFC 7239) as ``X-Forwarded-For`` writes them."""
    return ",".join(found[1].strip('"') if (found := _FOR.search(hop)) else "" for hop in forwarded.split(","))


def network(text: str) -> Network:
    """A network, or one address. Raises ValueError."""
    return ipaddress.ip_network(text, strict=False)


def _address_of_hop(hop: str) -> Address | None:
    found = _HOP.fullmatch(hop.strip())
    return _address(found[1] or found[2] or found[3] or "") if found else None


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    try:
        known = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(known, "ipv4_mapped", None) or known
