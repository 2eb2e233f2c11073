"""RudderStack's own routes, fetched ones too. Those it shares with Segment are Segment's: a key's profile says how they
answer.
"""

from functools import partial
from typing import Any, Final

import msgspec
from fastapi import Request

from services.ingest.api.browser import Fetch, Fetches, call_of, pixel
from services.ingest.api.examples import MERGE_CALL, SEGMENT_BATCH
from services.ingest.api.exchange import Answer, Call, Endpoint
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Posting, Surface
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely
from services.ingest.protocols.rudderstack import MERGE, NOBODY, NOT_AN_EVENT, as_rudderstack
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.protocols.segment_pixel import item_of_query
from services.ingest.settings import LimitSettings
from shared.access import Principal
from shared.http.credentials import header_key
from shared.vocabulary import Code

_DESCRIPTION: Final = "As RudderStack's data plane: 200 `ok` once durable; a batch is refused whole, in plain text."
_TEXT: Final = [(b"content-type", b"text/plain; charset=utf-8")]
_WHOLE: Final = {
    Code.EMPTY_BATCH: (400, b"empty batch payload"),
    Code.TOO_MANY_ITEMS: (413, b"request size exceeds max limit"),
}
_INVALID: Final = (400, b"invalid json")
_TOGETHER: Final = {refusal.detail: refusal.detail.encode() for refusal in (NOT_AN_EVENT, NOBODY)}


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """The posting routes that Segment does not have."""
    posting = partial(Posting, door, gate, limits, answer=answer, suit=suited)
    batch = posting(open=lambda _, body: open_batch(body, limits.segment_items))
    merge = posting(open=lambda _, body: open_single(body, MERGE))
    routes: dict[str, Endpoint] = {
        "/v1/import": batch,
        "/beacon/v1/batch": batch,
        "/v1/merge": merge,
        "/rsaMetrics": measured,
    }
    return Surface("rudderstack", _DESCRIPTION, routes, {"/v1/import": SEGMENT_BATCH, "/v1/merge": MERGE_CALL})


def fetches(door: Door, gate: Gate) -> Fetches:
    """What the browser SDK asks its control plane, and the pixel."""

    async def source_config(request: Request) -> Answer:
        """What the browser SDK may do: send, and nothing else."""
        call = call_of(request)
        write_key = request.query_params.get("writeKey") or header_key(call.header(b"authorization"))
        return Answer(200, msgspec.json.encode(_source(gate.admit(call), write_key)))

    async def call_in_image(request: Request) -> Answer:
        """One call in an image's address."""
        call = call_of(request)
        parcel = open_single(_unquoted(item_of_query(call.query)), request.url.path.strip("/").rpartition("/")[2])
        return await pixel(door, gate, call, as_rudderstack(parcel))

    routes: dict[str, Fetch] = {
        "/sourceConfig": source_config,
        "/pixel/v1/track": call_in_image,
        "/pixel/v1/page": call_in_image,
    }
    return Fetches("rudderstack", routes)


def _source(principal: Principal, write_key: str) -> dict[str, Any]:
    quiet = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    return {
        "source": {
            "id": principal.key_prefix,
            "name": principal.workspace_name,
            "writeKey": write_key,
            "enabled": True,
            "workspaceId": principal.workspace_name,
            "config": {"statsCollection": quiet},
            "destinations": [],
        },
        "updatedAt": "2024-01-01T00:00:00.000Z",
    }


def _unquoted(item: bytes) -> bytes:
    """The pixel's ids come in quotes."""
    content = read_loosely(item)
    quoted = content.get("anonymousId")
    return msgspec.json.encode({**content, "anonymousId": quoted.strip("\"'")}) if isinstance(quoted, str) else item


async def measured(_call: Call) -> Answer:
    """``/rsaMetrics``: the browser SDK's numbers about itself, which nobody asked for."""
    return Answer(200, b"ok", _TEXT)


def suited(_principal: Principal, parcel: Parcel) -> Parcel:
    """Its routes are read its way, whatever the key's profile."""
    return as_rudderstack(parcel)


def answer(_principal: Principal, receipt: Receipt) -> Answer:
    """In RudderStack's words: what it refuses later, behind its door, it has said ``ok`` to."""
    if receipt.whole is not None:
        status, said = _WHOLE.get(receipt.whole.code, _INVALID)
        return Answer(status, said, _TEXT)
    if receipt.rejected and (fault := _TOGETHER.get(receipt.rejected[0].refusal.detail)):
        return Answer(400, fault, _TEXT)
    return Answer(200, b"ok", _TEXT)
