"""Segment's routes for SDKs: one call or a batch of them, answered as Segment answers, so that no SDK sends twice; and
what its browser SDK fetches.
"""

from functools import partial
from typing import Final

import msgspec
from fastapi import Request

from services.ingest.api import rudderstack
from services.ingest.api.browser import Fetch, Fetches, call_of, pixel
from services.ingest.api.examples import SEGMENT_BATCH, SEGMENT_CALLS
from services.ingest.api.exchange import Answer, Call, Endpoint, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Posting, Surface
from services.ingest.api.touchpoints import nothing_accepted
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.rudderstack import as_rudderstack
from services.ingest.protocols.segment import CALLS
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.protocols.segment_pixel import item_of_query
from services.ingest.settings import LimitSettings
from shared.access import Principal, WireProfile
from shared.errors import NotFound

_DESCRIPTION: Final = "As Segment's HTTP API: exactly 200 once durable, 400 when the body is no such request."

SUCCESS: Final = b'{"success":true}'
LETTERS: Final = {call[0]: call for call in CALLS}
"""The browser's one-letter paths, ``/v1/t`` for track and so on."""


async def measured(_call: Call) -> Answer:
    """``/v1/m``: the browser SDK's numbers about itself, which nobody asked for."""
    return Answer(200, SUCCESS)


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """Every posting route of Segment."""
    posting = partial(Posting, door, gate, limits, answer=answer, suit=suited)
    batch = posting(open=lambda _, body: open_batch(body, limits.segment_items))
    routes: dict[str, Endpoint] = {"/v1/batch": batch, "/v1/b": batch, "/v1/m": measured}
    for letter, name in LETTERS.items():
        single = posting(open=partial(_open_single, name))
        routes[f"/v1/{name}"] = routes[f"/v1/{letter}"] = single
    shown = {"/v1/batch": SEGMENT_BATCH, **{f"/v1/{name}": example for name, example in SEGMENT_CALLS.items()}}
    return Surface("segment", _DESCRIPTION, routes, shown)


def fetches(door: Door, gate: Gate, public_address: str | None) -> Fetches:
    """The settings document and the pixel."""

    async def settings(request: Request) -> Answer:
        """What analytics.js asks its CDN for: where to send, and with which key."""
        write_key = request.path_params["write_key"]
        if not gate.knows_write_key(write_key):
            raise NotFound("there is no such write key")
        address = public_address or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
        return Answer(200, msgspec.json.encode(_settings(write_key, *_split(address))))

    async def call_in_image(request: Request) -> Answer:
        """One call in an image's address."""
        name, call = request.path_params["call"], call_of(request)
        return await pixel(door, gate, call, open_single(item_of_query(call.query), name if name in CALLS else ""))

    routes: dict[str, Fetch] = {
        "/v1/projects/{write_key}/settings": settings,
        "/v1/pixel/{call}": call_in_image,
    }
    return Fetches("segment", routes, frozenset(routes))


def _split(address: str) -> tuple[str, str]:
    scheme, _, host = address.rstrip("/").partition("://")
    return (scheme, host) if host else ("https", scheme)


def _settings(write_key: str, scheme: str, host: str) -> dict[str, object]:
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
            }
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "metrics": {"sampleRate": 0},
        "middlewareSettings": {},
        "remotePlugins": [],
    }


def _open_single(name: str, _: Call, body: bytes) -> Parcel:
    return open_single(body, name)


def suited(principal: Principal, parcel: Parcel) -> Parcel:
    """As the key's profile has it: RudderStack's clients post to the same routes and mean other times."""
    return as_rudderstack(parcel) if principal.protocol == WireProfile.RUDDERSTACK else parcel


def answer(principal: Principal, receipt: Receipt) -> Answer:
    """As the key's profile has it: Segment drops what it cannot use and says success; ours says what was refused."""
    if principal.protocol == WireProfile.RUDDERSTACK:
        return rudderstack.answer(principal, receipt)
    if receipt.whole is not None:
        return answer_of(nothing_accepted(receipt, 400))
    if principal.protocol != WireProfile.NATIVE or not receipt.rejected:
        return Answer(200, SUCCESS)
    if receipt.is_refused:
        return answer_of(nothing_accepted(receipt, 422))
    rejected = [{"index": item.index, "id": item.id, "code": item.refusal.code} for item in receipt.rejected]
    return Answer(200, msgspec.json.encode({"success": True, "accepted": receipt.accepted, "rejected": rejected}))
