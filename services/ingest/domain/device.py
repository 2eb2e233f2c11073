"""What somebody used: the class of device (desktop, mobile, tablet, tv, bot), the browser and the operating system.

A few words are all that reports break down by: families, never versions.
"""

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from ua_parser import Parser
from ua_parser.loaders import load_builtins
from ua_parser.re2 import Resolver

_PATTERNS: Final = (
    ("bot", re.compile(r"bot\b|crawl|spider|slurp|headless|preview|monitor|lighthouse", re.IGNORECASE)),
    ("tv", re.compile(r"smart-?tv|\btv\b|appletv|googletv|hbbtv|roku|web0s|tizen.*tv|bravia|crkey", re.IGNORECASE)),
    ("tablet", re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.IGNORECASE)),
    ("mobile", re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|opera mini", re.IGNORECASE)),
    ("desktop", re.compile(r"windows nt|macintosh|x11|cros|linux", re.IGNORECASE)),
)

_MAX_LENGTH: Final = 512
"""Of a user agent that is looked at: some patterns take time by the square of its length."""

_TYPES: Final = {
    "ios": "mobile",
    "android": "mobile",
    "mobile": "mobile",
    "phone": "mobile",
    "smartphone": "mobile",
    "tablet": "tablet",
    "desktop": "desktop",
    "tv": "tv",
}


def device_of(user_agent: str) -> str | None:
    """The class a browser's user agent says, None when it says none (a server's library, for example)."""
    return _device_of(user_agent[:_MAX_LENGTH])


@lru_cache(maxsize=4096)
def _device_of(user_agent: str) -> str | None:
    return next((name for name, pattern in _PATTERNS if pattern.search(user_agent)), None)


class Software(NamedTuple):
    """Families as they are called by their makers: ``Mobile Safari`` on ``iOS``; None where nothing is known."""

    browser: str | None = None
    os: str | None = None


UNKNOWN: Final = Software()


def software_of(user_agent: str) -> Software:
    """Browser and operating system that a user agent names. Most visitors' are known already."""
    return _software_of(user_agent[:_MAX_LENGTH]) if user_agent else UNKNOWN


@lru_cache(maxsize=4096)
def _software_of(user_agent: str) -> Software:
    parser = _parser()
    browser, system = parser.parse_user_agent(user_agent), parser.parse_os(user_agent)
    return Software(browser.family if browser else None, system.family if system else None)


@cache
def _parser() -> Parser:
    """Matches all its patterns at once; made on first use, which takes a third of a second."""
    return Parser(Resolver(load_builtins()))


def device_of_type(name: str) -> str | None:
    """The class of a device type as mobile SDKs send it."""
    return _TYPES.get(name.lower())
