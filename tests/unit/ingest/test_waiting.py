"""What waits for the log holds its records and nothing else: many requests wait when much comes."""

import asyncio
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest

from services.ingest.api import segment, touchpoints
from services.ingest.api.exchange import Answer, Call, Endpoint
from services.ingest.api.gate import Gate
from services.ingest.domain.rate import Rates
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.allowances import Allowances
from services.ingest.settings import LimitSettings
from shared.access import AccessKey, KeyKind, Scope, digest_of, prefix_of
from shared.clock import SystemClock
from shared.http.auth import AccessCache
from shared.streaming.types import Append
from shared.telemetry import Telemetry

_KEY = "ts_waiting_abcdefghijklmnopqrstuvwxyz"
_NATIVE = {"touchpoints": [{"kind": "page_viewed", "identity": {"user_id": "u-1"}}] * 50}
_SEGMENT = {"batch": [{"type": "page", "userId": "u-1", "messageId": "m-1"}] * 50}


class _Away:
    """A log that does not confirm before it is told to."""

    max_record_bytes = 1_000_000
    delivery_deadline_seconds = 5.0

    def __init__(self) -> None:
        self.confirmed = asyncio.Event()
        self.asked = asyncio.Event()

    async def append(self, _topic: str, _records: Sequence[Append]) -> None:
        self.asked.set()
        await self.confirmed.wait()

    async def partition_count(self, _topic: str) -> int:
        return 8

    async def close(self) -> None: ...


class _Keys:
    async def load(self) -> Sequence[AccessKey]:
        key = AccessKey(
            prefix=prefix_of(_KEY),
            workspace=UUID(int=1),
            workspace_name="w",
            secret=b"s" * 32,
            kind=KeyKind.SECRET,
            digest=digest_of(_KEY),
            scopes=frozenset({Scope.INGEST.value}),
            origins=frozenset(),
            protocol="native",
            expires_at=None,
            revoked_at=None,
        )
        return [key]

    async def wait_changed(self, timeout_seconds: float) -> None:
        await asyncio.sleep(timeout_seconds)


@pytest.mark.parametrize(("path", "said"), [("/v1/touchpoints", _NATIVE), ("/v1/batch", _SEGMENT)])
async def test_body_is_let_go_while_its_records_wait(path: str, said: object) -> None:
    log, access = _Away(), AccessCache(_Keys(), SystemClock())
    await access.load()
    allowances = Allowances(Rates(key_items=0, workspace_items=0, burst_seconds=1), 2**30, time.monotonic)
    door, gate = Door(log, SystemClock(), Telemetry(), lambda: "made"), Gate(access, allowances)
    surfaces = (module.surface(door, gate, LimitSettings()) for module in (touchpoints, segment))
    endpoint = next(one.endpoints[path] for one in surfaces if path in one.endpoints)
    body = msgspec.json.encode(said)
    held = sys.getrefcount(body)

    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(_answered(endpoint, body))
        await log.asked.wait()

        waiting = sys.getrefcount(body)
        log.confirmed.set()

    assert waiting == held
    assert answering.result().status == 200


async def _answered(endpoint: Endpoint, body: bytes) -> Answer:
    call = Call({b"authorization": f"Bearer {_KEY}".encode()}, b"", body)
    del body
    return await endpoint(call)
