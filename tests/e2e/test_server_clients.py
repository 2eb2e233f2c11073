"""The real clients of others for servers, unmodified: every call exactly once, and nothing sent a second time."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from services.ingest.bootstrap import opened
from shared.access import WireProfile
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Money, Touchpoint
from shared.database.engine import connect
from shared.identity_key import email_key
from shared.vocabulary import TopicName
from tests.e2e.server_clients import CLIENTS, WEEK, Client
from tests.ingest_door import Keys, key_of, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.parts import require

pytestmark = pytest.mark.timeout(120)

_MARCH = 1_772_366_400_000_000


@dataclass(frozen=True, slots=True)
class Owner:
    """A workspace, and its write key of each profile."""

    keys: Keys
    write: dict[WireProfile, str]


@pytest.fixture
async def owner(database: str) -> AsyncIterator[Owner]:
    async with opened(settings_for(database)) as own:
        keys = await make_keys(own)
        yield Owner(keys, {profile: await key_of(own, keys.workspace.id, profile) for profile in WireProfile})


@pytest.fixture
def ingest(tmp_path: Path, database: str, owner: Owner) -> Iterator[IngestProcess]:
    assert owner.write
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


async def _run(client: Client, ingest: IngestProcess, owner: Owner) -> None:
    require("node", "nodejs")
    running = await asyncio.create_subprocess_exec(
        *client.command(ingest.address, owner.write[client.profile]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        _, said = await running.communicate()
    assert running.returncode == 0, said


@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
async def test_real_client_delivers_every_call_once(
    ingest: IngestProcess, owner: Owner, admin_dsn: str, client: Client
) -> None:
    await _run(client, ingest, owner)

    touchpoints = await _touchpoints(admin_dsn)
    user, device = f"5user_id:u-{client.name}", f"1anonymous_id:a-{client.name}"
    assert set(touchpoints) == WEEK
    assert _requests(ingest) == {"200": client.requests}
    assert {one.protocol for one in touchpoints.values()} == {client.profile.value}
    assert touchpoints["page_viewed"].keys == (device,)
    address = email_key(owner.keys.workspace.secret, f"{client.name}@example.com")
    assert set(touchpoints["identified"].keys) | {device} == {user, address, device}
    assert touchpoints["order_completed"].value == Money("129.5", "EUR")
    assert abs(touchpoints["order_completed"].occurred_at - _MARCH) < 60_000_000
    assert (touchpoints["aliased"].keys[0], touchpoints["aliased"].previous) == (f"{user}-2", user)
    assert touchpoints["account_joined"].account == "acme"


async def test_posthogs_client_halves_what_is_too_large(
    tmp_path: Path, database: str, owner: Owner, admin_dsn: str
) -> None:
    few = {"INGEST_LIMIT_SEGMENT_ITEMS": "4"}
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database, **few}) as ingest:
        ingest.wait_for(ingest.is_ready)
        await _run(CLIENTS["posthog node"], ingest, owner)
        answers = _requests(ingest)

    assert set(await _touchpoints(admin_dsn)) == WEEK
    assert answers["413"] == 1
    assert set(answers) == {"200", "413"}
