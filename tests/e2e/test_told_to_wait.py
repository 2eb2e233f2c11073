"""Who sends too fast is told for how long to wait, and Segment's client for browsers, which can read it, does wait."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Request, Response

from services.ingest.bootstrap import opened
from shared.contracts.codec import decode_touchpoint
from shared.database.engine import connect
from shared.vocabulary import TopicName
from tests.e2e.visit import Visits, visiting
from tests.ingest_door import Keys, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

_TRACKS = 12


@dataclass  # no slots: playwright notes its handlers on their owner
class Attempts:
    """When each call was sent, and for how long its sender was told to wait; by the id of the call."""

    sent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def on_request(self, request: Request) -> None:
        """Note when."""
        if request.method == "POST":
            self.sent[_id_of(request)].append(time.monotonic())

    async def on_response(self, response: Response) -> None:
        """Note what it was told."""
        if response.status == 429:
            wait = int((await response.all_headers())["retry-after"])
            self.told[_id_of(response.request)].append((time.monotonic(), wait))


def _id_of(request: Request) -> str:
    said: dict[str, str] = msgspec.json.decode(request.post_data or "{}")
    return said["messageId"]


@pytest.fixture
async def keys(database: str) -> Keys:
    async with opened(settings_for(database)) as own:
        return await make_keys(own)


@pytest.fixture
async def place(tmp_path: Path, database: str, keys: Keys) -> AsyncIterator[tuple[IngestProcess, Visits]]:
    assert keys.write
    rate = {"INGEST_RATE_KEY_ITEMS": "1", "INGEST_RATE_BURST_SECONDS": "3"}
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database, **rate}) as ingest:
        ingest.wait_for(ingest.is_ready)
        async with visiting(ingest.address) as visits:
            yield ingest, visits


async def test_segments_client_waits_as_long_as_it_is_told(
    place: tuple[IngestProcess, Visits], keys: Keys, admin_dsn: str
) -> None:
    _, visits = place
    visit, attempts = await visits.new(), Attempts()
    visit.page.on("request", attempts.on_request)
    visit.page.on("response", attempts.on_response)

    await visit.start("segment-often", keys.write, {"times": _TRACKS})

    async def are_there() -> bool:
        return len(await _ids(admin_dsn)) >= _TRACKS

    await eventually(are_there, within_seconds=60, what="every call is taken")
    ids = await _ids(admin_dsn)
    assert sorted(ids) == sorted(attempts.sent)
    # Of its own it would have come back within a second.
    assert max(wait for told in attempts.told.values() for _, wait in told) >= 2
    for name, told in attempts.told.items():
        for at, wait in told:
            next_time = min(sent for sent in attempts.sent[name] if sent > at)
            assert next_time - at >= wait - 0.3, (name, attempts)


async def _ids(admin_dsn: str) -> list[str]:
    connection = await connect(admin_dsn)
    try:
        return [decode_touchpoint(value).id for value in await read_log(connection, TopicName.TOUCHPOINTS)]
    finally:
        await connection.close()
