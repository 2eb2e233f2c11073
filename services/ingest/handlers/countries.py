"""Countries by IP address, out of a database file that the operator provides."""

import contextlib
from collections.abc import Mapping
from typing import Final

import maxminddb

from services.ingest.domain.place import country_code
from shared.errors import Misconfigured

_PLACES: Final = ("country", "registered_country")


class Countries:
    """An open file. What it holds of an address is its country; the address goes no further."""

    def __init__(self, reader: maxminddb.Reader) -> None:
        self._reader = reader

    def country_at(self, address: str) -> str | None:
        """The ISO code of the country of an address; None when it is none, or nowhere in the file."""
        with contextlib.suppress(ValueError):
            return _code(self._reader.get(address))
        return None

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()


def opened_countries(path: str) -> Countries:
    """Raises Misconfigured when the file is not there, or is none."""
    try:
        return Countries(maxminddb.open_database(path))
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        message = f"INGEST_COUNTRY_DATABASE names no database of countries: {error}"
        raise Misconfigured(message) from error


def _code(found: object) -> str | None:
    """MaxMind and DB-IP write ``{"country": {"iso_code": "DK"}}``, IPinfo ``{"country": "DK"}`` or ``country_code``."""
    if not isinstance(found, Mapping):
        return None
    for name in _PLACES:
        said = found.get(name)
        code = said.get("iso_code") if isinstance(said, Mapping) else said
        if isinstance(code, str) and country_code(code):
            return country_code(code)
    plain = found.get("country_code")
    return country_code(plain) if isinstance(plain, str) else None
