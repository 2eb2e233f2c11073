"""Where a click may be sent: an address of the web, and the site it is on."""

from typing import Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

MAX_LENGTH: Final = 4_096
TOKEN_NAME: Final = "tragt"  # noqa: S105 -- the name of a parameter
_PORTS: Final = {"http": 80, "https": 443}
_LOWEST: Final = "!"
_SAFE: Final = "%/:=&?~#+!$,;'@()*[]"


def origin_of(address: str) -> str | None:
    """The origin (scheme, host, port unless it is the usual one) of an absolute http address.

    None for everything that browsers and we might read differently: other schemes, names and passwords, backslashes,
    white space and control characters, hosts that are not ASCII.
    """
    if len(address) > MAX_LENGTH or "\\" in address or any(letter < _LOWEST or letter == "\x7f" for letter in address):
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or not host.isascii() or "@" in parts.netloc or "%" in host:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, _PORTS[parts.scheme]} else f":{port}")


def location_of(address: str, token: str) -> str:
    """The address as a ``Location``, with the click's token among its parameters unless that is empty."""
    if token:
        parts = urlsplit(address)
        others = [pair for pair in parts.query.split("&") if pair and not pair.startswith(f"{TOKEN_NAME}=")]
        address = urlunsplit(parts._replace(query="&".join([*others, urlencode({TOKEN_NAME: token})])))
    return quote(address, safe=_SAFE)
