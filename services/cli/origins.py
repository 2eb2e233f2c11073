"""Sites as one may write them, to origins as browsers send them."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from services.cli.exits import Ended, Exit
from services.ingest.domain.target import origin_of

_ANY_PORT: Final = ":*"


def checked_origins(said: Iterable[str] | None) -> frozenset[str]:
    """The origins of sites; a port may be left open (``https://shop.example:*``). Ends the command at one that is none.

    No browser would ever send what is not an origin, so its key would be of no use to the site.
    """
    return frozenset(_origin(text) for text in said or ())


def _origin(text: str) -> str:
    site = text.removesuffix(_ANY_PORT)
    found = None if "*" in site else origin_of(site)
    if found is None or urlsplit(site).path not in {"", "/"} or "?" in site or "#" in site:
        raise Ended(Exit.MISUSED, f"--origin {text!r} is no site: write {_better(site, found)}")
    return found + _ANY_PORT if text.endswith(_ANY_PORT) else found


def _better(site: str, found: str | None) -> str:
    if found is not None:
        return f"{found}, without what follows the host"
    if "*" in site:
        return "each of them out, such as https://shop.example; only a port may be *"
    guess = origin_of(f"https://{site}")
    return guess if guess is not None and "://" not in site else "scheme and host, such as https://shop.example"
