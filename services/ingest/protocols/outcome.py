"""What a parser is told about a request, and what it makes of each item."""

from collections.abc import Callable
from typing import Final

import msgspec

from services.ingest.domain.refusal import Refusal
from shared.contracts.touchpoint import Touchpoint


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a request, as its headers say it; empty where they say nothing, or where a server sent it for others.

    ``gpc`` is the browser's Global Privacy Control (``Sec-GPC: 1``).
    """

    user_agent: str = ""
    address: str = ""
    languages: str = ""
    referrer: str = ""
    gpc: bool = False


NOBODY: Final = Sender()


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of a request: whose it is, when it came (microseconds), and how nameless items get an id.

    ``may_split`` when its key may part what belongs together; a write key, which every visitor can read, may not.
    """

    workspace: str
    secret: bytes
    received_at: int
    make_id: Callable[[], str]
    may_split: bool = False
    sender: Sender = NOBODY


class Rejected(msgspec.Struct, frozen=True):
    """An item that is refused, with its id and its own bytes; no bytes where nothing may be kept."""

    id: str
    refusal: Refusal
    payload: bytes


Outcome = Touchpoint | Rejected
