"""Where someone is, as far as reports need it: a country. And how much of an IP address may be kept."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?[-_]([A-Za-z]{2})(?:[-_.@].*)?")
_MAX_LOCALE: Final = 64
_KEPT_BITS: Final = {4: 24, 6: 48}


def country_code(text: str) -> str | None:
    """ISO 3166 code of two letters, or None when it is something else."""
    return text.upper() if _COUNTRY.fullmatch(text) else None


def country_of_locale(locale: str) -> str | None:
    """The country in a locale such as ``da-DK``."""
    return _country_of_locale(locale) if len(locale) <= _MAX_LOCALE else None


@lru_cache(maxsize=1024)
def _country_of_locale(locale: str) -> str | None:
    found = _LOCALE.fullmatch(locale)
    return found[1].upper() if found else None


def truncated_address(text: str) -> str | None:
    """An IP address without its last part (IPv4 /24, IPv6 /48): enough for a region, too little for a household."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    network = ipaddress.ip_network((address, _KEPT_BITS[address.version]), strict=False)
    return str(network.network_address)
