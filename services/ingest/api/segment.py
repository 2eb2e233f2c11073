"""Segment's routes for SDKs: one call or a batch of them, answered as Segment answers, so that no SDK sends twice."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from services.ingest.api.exchange import Answer, Call, Endpoint, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.touchpoints import nothing_accepted
from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.segment import CALLS
from services.ingest.protocols.segment_envelope import Parcel, open_batch, open_single
from services.ingest.settings import LimitSettings
from shared.access import Principal, WireProfile

SUCCESS: Final = b'{"success":true}'
LETTERS: Final = {call[0]: call for call in CALLS}
"""The browser's one-letter paths, ``/v1/t`` for track and so on."""


class SegmentCalls:
    """A route of SDKs; ``take_apart`` says whether it holds one call or a batch."""

    def __init__(self, door: Door, gate: Gate, limits: LimitSettings, take_apart: Callable[[bytes], Parcel]) -> None:
        self._door = door
        self._gate = gate
        self._limits = limits
        self._take_apart = take_apart

    async def __call__(self, call: Call) -> Answer:
        """Exactly 200 once durable; 400 when the body is no such request."""
        body = decompressed(call.body, call.header(b"content-encoding") or b"", self._limits.body_bytes)
        parcel = self._take_apart(body)
        principal = self._gate.admit(call, parcel.write_key)
        receipt = await self._door.accept_segment(principal, parcel.split, parcel.envelope)
        return _answer(principal, receipt)


async def measured(_call: Call) -> Answer:
    """``/v1/m``: the browser SDK's numbers about itself, which nobody asked for."""
    return Answer(200, SUCCESS)


def endpoints(door: Door, gate: Gate, limits: LimitSettings) -> Mapping[str, Endpoint]:
    """Every posting route by its path, without a final slash."""
    batch = SegmentCalls(door, gate, limits, lambda body: open_batch(body, limits.segment_items))
    routes: dict[str, Endpoint] = {"/v1/batch": batch, "/v1/b": batch, "/v1/m": measured}
    for letter, name in LETTERS.items():
        single = SegmentCalls(door, gate, limits, partial(_open_single, name))
        routes[f"/v1/{name}"] = routes[f"/v1/{letter}"] = single
    return routes


def _open_single(name: str, body: bytes) -> Parcel:
    return open_single(body, name)


def _answer(principal: Principal, receipt: Receipt) -> Answer:
    """As the key's profile has it: Segment drops what it cannot use and says success; ours says what was refused."""
    if receipt.whole is not None:
        return answer_of(nothing_accepted(receipt, 400))
    if principal.protocol != WireProfile.NATIVE or not receipt.rejected:
        return Answer(200, SUCCESS)
    if not receipt.accepted:
        return answer_of(nothing_accepted(receipt, 422))
    rejected = [{"index": item.index, "id": item.id, "code": item.refusal.code} for item in receipt.rejected]
    return Answer(200, msgspec.json.encode({"success": True, "accepted": receipt.accepted, "rejected": rejected}))
