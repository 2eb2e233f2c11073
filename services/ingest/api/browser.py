"""What browsers fetch from Segment's routes: the settings document and the pixel."""

import contextlib
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api.exchange import Call
from services.ingest.api.gate import Gate
from services.ingest.handlers.accepting import Door
from services.ingest.protocols.segment import CALLS
from services.ingest.protocols.segment_envelope import open_single
from services.ingest.protocols.segment_pixel import item_of_query
from shared.errors import NotFound, TragtError
from shared.http import cors

GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent point, 43 bytes."""


def router(door: Door, gate: Gate, public_address: str | None) -> APIRouter:
    """``/v1/projects/{writeKey}/settings`` and ``/v1/pixel/{call}``, each with and without a final slash."""
    routes = APIRouter(tags=["segment"])

    async def settings(request: Request, write_key: str) -> Response:
        """What analytics.js asks its CDN for: where to send, and with which key."""
        if not gate.knows_write_key(write_key):
            raise NotFound("there is no such write key")
        address = public_address or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
        body = msgspec.json.encode(_settings(write_key, *_split(address)))
        return Response(body, media_type="application/json", headers=_cors(request))

    async def pixel(request: Request, call: str) -> Response:
        """One call in an image's address. Always the image: a mail reader can do nothing with an error."""
        with contextlib.suppress(TragtError):
            parcel = open_single(item_of_query(request.scope["query_string"]), call if call in CALLS else "")
            asked = Call(dict(request.scope["headers"]), request.scope["query_string"], b"")
            principal = gate.admit(asked, parcel.write_key)
            await door.accept(principal, parcel)
        return Response(GIF, media_type="image/gif", headers={"cache-control": "no-store", **_cors(request)})

    for slash in ("", "/"):
        shown = not slash
        routes.get(f"/v1/projects/{{write_key}}/settings{slash}", include_in_schema=shown)(settings)
        routes.get(f"/v1/pixel/{{call}}{slash}", include_in_schema=shown)(pixel)
    return routes


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


def _cors(request: Request) -> dict[str, str]:
    origin = request.headers.get("origin")
    headers = cors.headers_for(None if origin is None else origin.encode("latin-1"))
    return {name.decode(): value.decode("latin-1") for name, value in headers}
