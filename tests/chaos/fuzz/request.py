"""An input of the fuzzer that is a request: its query, its headers, a blank line, its body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from services.ingest.domain.policy import DEFAULT
from services.ingest.protocols.outcome import Arrival, Sender, about
from shared.clock import SECOND

NOW: Final = 1_795_000_000 * SECOND
SECRET: Final = b"s" * 32
MAX_BYTES: Final = 1024 * 1024
"""Of a body, as the door has it."""

MAX_HEAD_BYTES: Final = 48 * 1024
"""Of the head, of which a query is a part."""

MAX_ITEMS: Final = 1_000


@dataclass(frozen=True)
class Request:
    """An input taken apart."""

    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes

    @cached_property
    def arrival(self) -> Arrival:
        """As the door tells a parser of it, with what the headers say of the browser."""
        agent, languages = self.text("user-agent"), self.text("accept-language")
        return Arrival(
            workspace="w-1",
            secret=SECRET,
            received_at=NOW,
            make_id=lambda: "made",
            may_split=True,
            sender=Sender(user_agent=agent, languages=languages, referrer=self.text("referer")),
            about=about(agent, languages, None, False, DEFAULT),
            is_public=b"sec-gpc" in self.headers,
        )

    def text(self, name: str) -> str:
        """A header, empty when there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


def taken_apart(data: bytes) -> Request:
    """The request in an input; any bytes are one."""
    head, _, body = data.partition(b"\n\n")
    query, *lines = head.split(b"\n")
    query = query[:MAX_HEAD_BYTES]
    parted = (line.partition(b":") for line in lines)
    return Request(query, {name.strip().lower(): value.strip() for name, _, value in parted}, body)


@dataclass(frozen=True, slots=True)
class Seed:
    """A good request, of which inputs are made."""

    body: bytes = b""
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """As an input."""
        lines = [self.query, *(f"{name}: {value}".encode() for name, value in self.headers.items())]
        return b"\n".join(lines) + b"\n\n" + self.body
