"""``POST /v1/events``: CloudEvents, one (structured or binary) or a batch."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from services.ingest.api.exchange import Answer, Call, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Surface
from services.ingest.api.sender import sender_of
from services.ingest.api.touchpoints import answer_with
from services.ingest.handlers.accepting import Door
from services.ingest.protocols.cloudevents_envelope import UnknownFormat, open_event
from services.ingest.protocols.compression import decompressed
from services.ingest.settings import LimitSettings
from shared.http.problems import Problem

PATH: Final = "/v1/events"

EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "A-1",
    "source": "/web/site",
    "type": "com.acme.demo_requested",
    "time": "2026-11-25T09:30:00Z",
    "datacontenttype": "application/json",
    "data": {"email": "jane@example.com", "channel": "web", "product": "starter"},
}

_DESCRIPTION: Final = (
    "CloudEvents 1.0 over HTTP: structured (`application/cloudevents+json`), batched "
    "(`application/cloudevents-batch+json`), binary (`ce-` headers). 200 means durable; `rejected` names the refused."
)


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """The one route."""
    return Surface("cloudevents", _DESCRIPTION, {PATH: Events(door, gate, limits)}, {PATH: EXAMPLE})


@dataclass(frozen=True, slots=True)
class Events:
    """Takes events."""

    door: Door
    gate: Gate
    limits: LimitSettings

    async def __call__(self, call: Call) -> Answer:
        """200 with a receipt, 422 when nothing was accepted, 415 for a format that is not JSON."""
        token = parse_qs(call.query.decode("latin-1")).get("access_token", [""])[-1]
        principal = self.gate.admit(call, token)
        body = decompressed(call.body, call.header(b"content-encoding") or b"", self.limits.body_bytes)
        content_type = (call.header(b"content-type") or b"").decode("latin-1")
        try:
            parcel = open_event(content_type, call.headers, body, self.limits.items)
        except UnknownFormat:
            detail = "events are taken in the JSON format: application/cloudevents+json"
            return answer_of(Problem(status=415, code="unsupported_media_type", detail=detail))
        return answer_with(await self.door.accept(principal, parcel, sender_of(call)))
