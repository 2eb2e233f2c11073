"""What a parser is told about a request, and what it makes of each item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from services.ingest.domain.policy import DEFAULT, Terms
from services.ingest.domain.refusal import Refusal
from services.ingest.domain.schema import InForce
from shared.contracts.touchpoint import Touchpoint

CountryAt = Callable[[str], str | None]
"""Tells the country of an IP address."""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request, as its headers say it; empty where they say nothing, or where a server sent it for others.

    ``address`` is that of its connection, and the two ``forwarded`` are what headers say of those behind it, which
    anybody can write. ``gpc`` is the browser's Global Privacy Control (``Sec-GPC: 1``).
    """

    user_agent: str = ""
    address: str = ""
    forwarded_for: str = ""
    forwarded: str = ""
    languages: str = ""
    referrer: str = ""
    gpc: bool = False


NOBODY: Final = Sender()

AddressOf = Callable[[Sender], str]
"""Tells a sender's address, empty where it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What holds for all items of a request, made by ``about``: equal only to itself, to remember by cheaply.

    The browser that sent them and the languages it accepts, the country of its address, whether that is the
    workspace's own, and the workspace's terms.
    """

    agent: str = ""
    languages: str = ""
    country: str | None = None
    is_own: bool = False
    terms: Terms = DEFAULT


@lru_cache(maxsize=4096)
def about(agent: str, languages: str, country: str | None, is_own: bool, terms: Terms) -> About:
    """The same for the same."""
    return About(agent, languages, country, is_own, terms)


NOWHERE: Final = About()

Schemas = Mapping[str, InForce]
"""What is in force in a workspace, by kind."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of a request: whose it is, when it came (microseconds), and how nameless items get an id.

    ``may_split`` when its key may part what belongs together; a write key, which every visitor can read, may not.
    ``is_public`` when it came with a write key: consent is asked for, and history is bounded. ``kinds`` are those that
    its key may send, none any, and ``schemas`` what those of a kind must be like. ``country_at`` tells the country of
    an address, where anything does.
    """

    workspace: str
    secret: bytes
    received_at: int
    make_id: Callable[[], str]
    may_split: bool = False
    sender: Sender = NOBODY
    about: About = NOWHERE
    is_public: bool = False
    kinds: frozenset[str] = frozenset()
    schemas: Schemas | None = None
    country_at: CountryAt | None = None


class Rejected(msgspec.Struct, frozen=True):
    """An item that is refused, with its id and its own bytes; no bytes where nothing may be kept."""

    id: str
    refusal: Refusal
    payload: bytes


Outcome = Touchpoint | Rejected
