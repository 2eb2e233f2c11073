"""The real clients of Segment, unmodified: one request each, every call exactly once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from services.ingest.bootstrap import opened
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Money, Touchpoint
from shared.database.engine import connect
from shared.identity_key import email_key
from shared.vocabulary import TopicName
from tests.ingest_door import Keys, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.parts import require

_HERE = Path(__file__).parent
_KINDS = {
    "page_viewed",
    "identified",
    "demo_requested",
    "order_completed",
    "account_joined",
    "aliased",
    "screen_viewed",
}
_PYTHON = (sys.executable, str(_HERE / "segment_python.py"))
_NODE = ("node", str(_HERE / "node_clients" / "segment.mjs"))
_MARCH = 1_772_366_400_000_000


@pytest.fixture
async def keys(database: str) -> AsyncIterator[Keys]:
    async with opened(settings_for(database)) as own:
        yield await make_keys(own)


@pytest.fixture
def ingest(tmp_path: Path, database: str, keys: Keys) -> Iterator[IngestProcess]:
    assert keys.write
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        yield running


async def _touchpoints(admin_dsn: str) -> dict[str, Touchpoint]:
    connection = await connect(admin_dsn)
    try:
        values = await read_log(connection, TopicName.TOUCHPOINTS)
    finally:
        await connection.close()
    touchpoints = [decode_touchpoint(value) for value in values]
    assert len({one.id for one in touchpoints}) == len(touchpoints)
    return {one.kind: one for one in touchpoints}


def _requests(ingest: IngestProcess) -> dict[str, float]:
    """How many posts were answered, by status."""
    told = httpx.get(f"{ingest.address}/telemetry").text
    lines = [line for line in told.splitlines() if line.startswith('tragt_http_request_seconds_count{method="POST"')]
    return {line.partition('status="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("command", "name"), [(_PYTHON, "python"), (_NODE, "node")], ids=["python", "node"])
async def test_real_client_delivers_every_call_once_in_one_request(
    ingest: IngestProcess, keys: Keys, admin_dsn: str, command: Sequence[str], name: str
) -> None:
    require("node", "nodejs")

    client = await asyncio.create_subprocess_exec(
        *command, ingest.address, keys.write, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(90):
        _, said = await client.communicate()

    assert client.returncode == 0, said
    touchpoints = await _touchpoints(admin_dsn)
    user = f"5user_id:u-{name}"
    assert set(touchpoints) == _KINDS
    assert _requests(ingest) == {"200": 1}
    assert touchpoints["page_viewed"].keys == (f"1anonymous_id:a-{name}",)
    assert touchpoints["identified"].keys == (
        user,
        email_key(keys.workspace.secret, f"{name}@example.com"),
        f"1anonymous_id:a-{name}",
    )
    assert touchpoints["order_completed"].value == Money("129.5", "EUR")
    assert abs(touchpoints["order_completed"].occurred_at - _MARCH) < 60_000_000
    assert (touchpoints["aliased"].keys[0], touchpoints["aliased"].previous) == (f"{user}-2", user)
    assert touchpoints["account_joined"].account == "acme"
