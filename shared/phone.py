"""Telephone numbers as E.164, so that however it is written it is one key."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

_PLAIN: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_LENGTH: Final = 64

COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Countries and territories that have telephone numbers, as ISO 3166 has them in two letters; Kosovo as XK."""


def normalise_phone(text: str, country: str | None) -> str | None:
    """``+4520123456`` of any way to write it; ``country`` (ISO 3166, two letters) for numbers without ``+``.

    None when it is no possible number, or a national one of an unknown country: two countries share it, people do not.
    """
    return _normalised(text, country) if len(text) <= _MAX_LENGTH else None


@lru_cache(maxsize=4096)
def _normalised(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return normal if _PLAIN.fullmatch(normal) else None
