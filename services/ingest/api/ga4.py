"""Google Analytics' Measurement Protocol: one route that takes events, one that only says what is wrong with them."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from services.ingest.api.exchange import Answer, Call, Endpoint
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Surface
from services.ingest.api.sender import sender_of
from services.ingest.handlers.accepting import Door
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.ga4 import open_collected
from services.ingest.protocols.ga4_limits import messages_of
from services.ingest.settings import LimitSettings

PATH: Final = "/mp/collect"
DEBUG: Final = "/debug/mp/collect"

EXAMPLE: Final[dict[str, Any]] = {
    "client_id": "123456.7654321",
    "user_id": "u-1",
    "timestamp_micros": 1_764_065_400_000_000,
    "user_properties": {"tier": {"value": "gold"}},
    "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
    "events": [
        {"name": "generate_lead", "params": {"currency": "USD", "value": 50, "session_id": "123"}},
        {"name": "purchase", "params": {"transaction_id": "9001", "currency": "EUR", "value": 129.5}},
    ],
}

_DESCRIPTION: Final = (
    "As Google Analytics 4: 204 once durable, for invalid events too, which are kept as refused. `api_secret` in the "
    "address is a key of yours; the debug route answers what is wrong and keeps nothing."
)
_STREAM: Final = frozenset({"measurement_id", "firebase_app_id"})


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """Both routes."""
    routes: dict[str, Endpoint] = {PATH: Collect(door, gate, limits), DEBUG: Debug(limits)}
    return Surface("ga4", _DESCRIPTION, routes, dict.fromkeys(routes, EXAMPLE))


@dataclass(frozen=True, slots=True)
class Collect:
    """Takes events."""

    door: Door
    gate: Gate
    limits: LimitSettings

    async def __call__(self, call: Call) -> Answer:
        """204 whatever the events were: Google never answers with an error about them."""
        said = _address(call)
        body = _plain(call, self.limits)
        principal = self.gate.admit(call, said.get("api_secret", ""))
        parcel = open_collected(body, {name: said[name] for name in _STREAM & said.keys()})
        await self.door.accept(principal, parcel, sender_of(call))
        return Answer(204, b"", [])


@dataclass(frozen=True, slots=True)
class Debug:
    """Says what is wrong."""

    limits: LimitSettings

    async def __call__(self, call: Call) -> Answer:
        """Google's validation messages. It asks for no key, as Google's does not, and keeps nothing."""
        messages = messages_of(_plain(call, self.limits), _address(call))
        return Answer(200, msgspec.json.encode({"validationMessages": messages}))


def _address(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.query.decode("latin-1"), encoding="utf-8", errors="replace"))


def _plain(call: Call, limits: LimitSettings) -> bytes:
    return decompressed(call.body, call.header(b"content-encoding") or b"", limits.body_bytes)
