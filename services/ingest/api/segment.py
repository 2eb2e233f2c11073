"""Segment's routes for SDKs: one call or a batch of them, answered as Segment answers, so that no SDK sends twice."""

from functools import partial
from typing import Final

import msgspec

from services.ingest.api.examples import SEGMENT_BATCH, SEGMENT_CALLS
from services.ingest.api.exchange import Answer, Call, Endpoint, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Posting, Surface
from services.ingest.api.touchpoints import nothing_accepted
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.segment import CALLS
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.settings import LimitSettings
from shared.access import Principal, WireProfile

_DESCRIPTION: Final = "As Segment's HTTP API: exactly 200 once durable, 400 when the body is no such request."

SUCCESS: Final = b'{"success":true}'
LETTERS: Final = {call[0]: call for call in CALLS}
"""The browser's one-letter paths, ``/v1/t`` for track and so on."""


async def measured(_call: Call) -> Answer:
    """``/v1/m``: the browser SDK's numbers about itself, which nobody asked for."""
    return Answer(200, SUCCESS)


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """Every posting route of Segment."""
    batch = Posting(door, gate, limits, lambda _, body: open_batch(body, limits.segment_items), answer)
    routes: dict[str, Endpoint] = {"/v1/batch": batch, "/v1/b": batch, "/v1/m": measured}
    for letter, name in LETTERS.items():
        single = Posting(door, gate, limits, partial(_open_single, name), answer)
        routes[f"/v1/{name}"] = routes[f"/v1/{letter}"] = single
    shown = {"/v1/batch": SEGMENT_BATCH, **{f"/v1/{name}": example for name, example in SEGMENT_CALLS.items()}}
    return Surface("segment", _DESCRIPTION, routes, shown)


def _open_single(name: str, _: Call, body: bytes) -> Parcel:
    return open_single(body, name)


def answer(principal: Principal, receipt: Receipt) -> Answer:
    """As the key's profile has it: Segment drops what it cannot use and says success; ours says what was refused."""
    if receipt.whole is not None:
        return answer_of(nothing_accepted(receipt, 400))
    if principal.protocol != WireProfile.NATIVE or not receipt.rejected:
        return Answer(200, SUCCESS)
    if not receipt.accepted:
        return answer_of(nothing_accepted(receipt, 422))
    rejected = [{"index": item.index, "id": item.id, "code": item.refusal.code} for item in receipt.rejected]
    return Answer(200, msgspec.json.encode({"success": True, "accepted": receipt.accepted, "rejected": rejected}))
