"""``POST /v1/touchpoints``: tragt's own touchpoints."""

from typing import Any, Final

import msgspec

from services.ingest.api.examples import NATIVE
from services.ingest.api.exchange import Answer, Call, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Surface
from services.ingest.api.sender import sender_of
from services.ingest.handlers.accepting import Door, Receipt, RefusedItem
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.native import READER
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.splitting import split_native
from services.ingest.settings import LimitSettings
from shared.http.problems import FieldFault, Problem

PATH: Final = "/v1/touchpoints"

_DESCRIPTION: Final = (
    "A list, one bare touchpoint, or one a line; at most 1,000 items and 1 MiB decompressed (gzip, zstd, br, deflate). "
    "200 means: durable. Each item stands for itself: `rejected` names those that were refused, which are kept."
)


def surface(door: Door, gate: Gate, limits: LimitSettings) -> Surface:
    """The one posting route of tragt's own."""
    return Surface("touchpoints", _DESCRIPTION, {PATH: Touchpoints(door, gate, limits)}, {PATH: NATIVE})


class Touchpoints:
    """The route: key, body, items, receipt."""

    def __init__(self, door: Door, gate: Gate, limits: LimitSettings) -> None:
        self._door = door
        self._gate = gate
        self._limits = limits

    async def __call__(self, call: Call) -> Answer:
        """200 with a receipt, 422 when nothing was accepted."""
        principal = self._gate.admit(call)
        return answer_with(await self._door.accept(principal, self._opened(call), sender_of(call)))

    def _opened(self, call: Call) -> Parcel:
        coding = call.header(b"content-encoding") or b""
        body = decompressed(call.take_body(), coding, self._limits.body_bytes)
        return Parcel(split_native(body, self._limits.items), READER)


def answer_with(receipt: Receipt) -> Answer:
    """The receipt as an answer."""
    if not receipt.rejected and receipt.whole is None:
        return Answer(200, b'{"accepted":%d,"rejected":[]}' % receipt.accepted)
    rejected = [_told(item) for item in receipt.rejected]
    if not receipt.is_refused:
        return Answer(200, msgspec.json.encode({"accepted": receipt.accepted, "rejected": rejected}))
    return answer_of(nothing_accepted(receipt, 422))


def nothing_accepted(receipt: Receipt, status: int) -> Problem:
    """The problem of a request of which no item was accepted; it lists them as a receipt does."""
    whole = receipt.whole
    faults = [
        FieldFault(f"/{item.index}{item.refusal.pointer}", item.refusal.code, item.refusal.detail)
        for item in receipt.rejected
    ]
    if whole is not None:
        faults = [FieldFault(whole.pointer, whole.code, whole.detail)]
    return Problem(
        status=status,
        code=whole.code.value if whole else "nothing_accepted",
        detail=whole.detail if whole else "no item was accepted; `rejected` says why, and they are kept to be replayed",
        faults=tuple(faults),
        more={"accepted": 0, "rejected": [_told(item) for item in receipt.rejected]},
    )


def _told(item: RefusedItem) -> dict[str, Any]:
    refusal = item.refusal
    return {
        "index": item.index,
        "id": item.id,
        "code": refusal.code,
        "pointer": refusal.pointer,
        "detail": refusal.detail,
    }
