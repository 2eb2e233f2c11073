"""PostHog's routes: events however they are wrapped, and the side calls of its SDKs, which are kept quiet."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import msgspec
from fastapi import Request

from services.ingest.api.browser import Fetch, Fetches, fetched
from services.ingest.api.examples import POSTHOG_BATCH
from services.ingest.api.exchange import Answer, Call, Endpoint, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Surface
from services.ingest.api.sender import sender_of
from services.ingest.api.touchpoints import nothing_accepted
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.posthog_body import fields_of, unwrapped
from services.ingest.protocols.posthog_envelope import open_events
from services.ingest.protocols.splitting import FAULTS, Item
from services.ingest.settings import LimitSettings
from shared.errors import NotFound
from shared.vocabulary import Code

CAPTURING: Final = ("/batch", "/i/v0/e", "/e", "/track", "/capture", "/engage", "/i/v0/ai/batch")
V1: Final = "/i/v1/analytics/events"

_DESCRIPTION: Final = "As PostHog's capture: 200 once durable, 400 when nothing of it could be taken."
_OK: Final = b'{"status":"Ok"}'
_COMPRESSIONS: Final = ["gzip", "gzip-js"]
_SCRIPT: Final = [(b"content-type", b"text/javascript; charset=utf-8")]


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture route of the first protocol. Also fetched, with everything in the query."""

    door: Door
    gate: Gate
    limits: LimitSettings
    engages: bool = False

    async def __call__(self, call: Call) -> Answer:
        """200, or 204 to a beacon, once it is durable. Raises the errors of the door, the gate and the compression."""
        query = fields_of(call.query)
        payload = unwrapped(call.body, query, call.header(b"content-encoding") or b"", self.limits.body_bytes)
        parcel = open_events(payload, query, self.limits.segment_items, engages=self.engages)
        principal = self.gate.admit(call, parcel.write_key)
        receipt = await self.door.accept(principal, parcel, sender_of(call))
        if not receipt.is_refused:
            return Answer(204, b"", []) if query.get("beacon") == "1" else Answer(200, _OK)
        return _refused(receipt)


@dataclass(frozen=True, slots=True)
class CaptureV1:
    """The newer capture route, which answers event by event."""

    door: Door
    gate: Gate
    limits: LimitSettings

    async def __call__(self, call: Call) -> Answer:
        """200 with a result per event. Raises the errors of the door, the gate and the compression."""
        body = decompressed(call.body, call.header(b"content-encoding") or b"", self.limits.body_bytes)
        requested_at = (call.header(b"posthog-request-timestamp") or b"").decode("latin-1")
        parcel = open_events(body, {}, self.limits.segment_items, requested_at=requested_at)
        principal = self.gate.admit(call, parcel.write_key)
        receipt = await self.door.accept(principal, parcel, sender_of(call))
        return _refused(receipt) if receipt.whole is not None else _results(parcel, receipt)


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """Every posting route of PostHog."""
    routes: dict[str, Endpoint] = {path: _capture(path, door, gate, limits) for path in CAPTURING}
    routes |= {V1: CaptureV1(door, gate, limits), "/s": recorded, "/flags": flags, "/decide": flags}
    return Surface("posthog", _DESCRIPTION, routes, {"/batch": POSTHOG_BATCH})


def fetches(door: Door, gate: Gate, limits: LimitSettings) -> Fetches:
    """The capture routes once more, and what the browser SDK asks before it sends."""

    async def config(request: Request) -> Answer:
        """What the browser SDK may do: send, and nothing else."""
        return Answer(200, msgspec.json.encode(_config(_token(request, gate))))

    async def script(request: Request) -> Answer:
        """The same as a script, for pages with the snippet."""
        token = _token(request, gate)
        told = msgspec.json.encode({token: {"config": _config(token), "siteApps": []}})
        return Answer(
            200, b"window._POSTHOG_REMOTE_CONFIG=Object.assign(window._POSTHOG_REMOTE_CONFIG||{},%s);" % told, _SCRIPT
        )

    routes: dict[str, Fetch] = {path: fetched(_capture(path, door, gate, limits)) for path in CAPTURING}
    routes |= {"/s": fetched(recorded), "/array/{token}/config": config, "/array/{token}/config.js": script}
    return Fetches("posthog", routes)


async def recorded(_call: Call) -> Answer:
    """``/s``: recordings of what people see, which nobody asked for."""
    return Answer(200, _OK)


async def flags(_call: Call) -> Answer:
    """``/flags`` and ``/decide``: there are no feature flags, in the words of every version."""
    told = {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "requestId": str(uuid4()),
        "supportedCompression": _COMPRESSIONS,
        "config": {"enable_collect_everything": True},
        "sessionRecording": False,
        "siteApps": [],
    }
    return Answer(200, msgspec.json.encode(told))


def _capture(path: str, door: Door, gate: Gate, limits: LimitSettings) -> Capture:
    return Capture(door, gate, limits, engages=path == "/engage")


def _token(request: Request, gate: Gate) -> str:
    token: str = request.path_params["token"]
    if not gate.knows_write_key(token):
        raise NotFound("there is no such write key")
    return token


def _config(token: str) -> dict[str, Any]:
    return {
        "token": token,
        "supportedCompression": _COMPRESSIONS,
        "hasFeatureFlags": False,
        "sessionRecording": False,
        "surveys": False,
        "heatmaps": False,
        "autocapture_opt_out": False,
        "capturePerformance": False,
        "siteApps": [],
        "elementsChainAsString": True,
    }


def _refused(receipt: Receipt) -> Answer:
    """Nothing was taken. A batch of too many is answered as one too large, which makes SDKs halve it."""
    is_large = receipt.whole is not None and receipt.whole.code is Code.TOO_MANY_ITEMS
    return answer_of(nothing_accepted(receipt, HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_large else 400))


class _Named(msgspec.Struct, gc=False):
    uuid: Any = None


_NAMED: Final = msgspec.json.Decoder(_Named)


def _results(parcel: Parcel, receipt: Receipt) -> Answer:
    """Every event's by its uuid. What is refused is kept here, so that the client need not send it again."""
    results = {uuid: {"result": "ok"} for item in parcel.split.items if (uuid := _uuid(item))}
    for refused in receipt.rejected:
        uuid = _uuid(parcel.split.items[refused.index]) or refused.id
        results[uuid] = {"result": "drop", "details": refused.refusal.detail}
    return Answer(200, msgspec.json.encode({"results": results}))


def _uuid(item: Item) -> str:
    try:
        uuid = _NAMED.decode(item).uuid
    except FAULTS:
        return ""
    return uuid if isinstance(uuid, str) else ""
