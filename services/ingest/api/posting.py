"""The posting route of any protocol, and how its surface is shown."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.ingest.api.exchange import Answer, Call, Endpoint
from services.ingest.api.gate import Gate
from services.ingest.api.sender import sender_of
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.parcel import Parcel
from services.ingest.settings import LimitSettings
from shared.access import Principal

Opener = Callable[[Call, bytes], Parcel]
"""Takes a request apart: the call and its decompressed body."""

Answerer = Callable[[Principal, Receipt], Answer]
"""What clients of the protocol are told."""


Suiter = Callable[[Principal, Parcel], Parcel]
"""Has the parcel read as the key's owner means it, where several protocols share a route."""


def as_opened(_principal: Principal, parcel: Parcel) -> Parcel:
    """Whoever sent it, it means the same."""
    return parcel


@dataclass(frozen=True, slots=True)
class Posting:
    """A route: body, items, key, receipt, answer."""

    door: Door
    gate: Gate
    limits: LimitSettings
    open: Opener
    answer: Answerer
    suit: Suiter = as_opened

    async def __call__(self, call: Call) -> Answer:
        """What ``answer`` makes of the receipt. Raises the errors of the door, the gate and the compression."""
        principal, accepting = self._begun(call)
        return self.answer(principal, await accepting)

    def _begun(self, call: Call) -> tuple[Principal, Awaitable[Receipt]]:
        """Nothing of the request is held here while it waits."""
        body = decompressed(call.take_body(), call.header(b"content-encoding") or b"", self.limits.body_bytes)
        parcel = self.open(call, body)
        principal = self.gate.admit(call, parcel.write_key)
        return principal, self.door.accept(principal, self.suit(principal, parcel), sender_of(call))


@dataclass(frozen=True, slots=True)
class Surface:
    """The posting routes of a protocol by path, without a final slash.

    OpenAPI shows those of which ``examples`` has a request.
    """

    tag: str
    description: str
    endpoints: Mapping[str, Endpoint]
    examples: Mapping[str, Mapping[str, Any]]
