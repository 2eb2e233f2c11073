"""Where someone is, as far as reports need it: country and language. And how much of an IP address may be kept."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?[-_]([A-Za-z]{2})(?:[-_.@].*)?")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})(?=[-_.;,@\s]|$)")
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


def language_of(locales: str) -> str | None:
    """The language of a locale (``da-DK``) or of the first one in ``Accept-Language``, as ISO 639 has it."""
    return _language_of(locales[:_MAX_LOCALE])


@lru_cache(maxsize=1024)
def _language_of(locales: str) -> str | None:
    found = _LANGUAGE.match(locales.strip())
    return found[1].lower() if found else None


def country_of_languages(languages: str) -> str | None:
    """The country in the first of the languages that a browser accepts (``Accept-Language``)."""
    return country_of_locale(languages.partition(",")[0].partition(";")[0].strip())


def truncated_address(text: str) -> str | None:
    """An IP address without its last part (IPv4 /24, IPv6 /48): enough for a region, too little for a household."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    network = ipaddress.ip_network((address, _KEPT_BITS[address.version]), strict=False)
    return str(network.network_address)
