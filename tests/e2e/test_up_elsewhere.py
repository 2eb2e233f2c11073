"""``tragt up`` on a database and a broker that others run."""

import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from shared.database.roles import Role
from tests.conftest import Databases
from tests.e2e.up import Up
from tests.kafka_broker import KafkaBroker
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

_TOUCHPOINTS = [
    {"kind": "page_viewed", "identity": {"anonymous_id": "a1"}},
    {"kind": "identified", "identity": {"anonymous_id": "a1", "user_id": "u1"}},
]


@pytest.fixture
async def empty_database(databases: Databases) -> AsyncIterator[str]:
    """A database as an administrator hands it over: nothing in it, and the roles may be taken on."""
    name = await databases.create("template1")
    administrator = await asyncpg.connect(databases.admin_dsn(name))
    await administrator.execute(f"GRANT CREATE ON DATABASE {name} TO {Role.OWNER}")
    await administrator.close()
    yield databases.dsn(name)
    await databases.drop(name)


def test_the_same_services_run_on_parts_of_others(empty_database: str, kafka_broker: KafkaBroker) -> None:
    with tempfile.TemporaryDirectory(prefix="tragt-up-") as folder:
        up = Up(Path(folder) / "data", options=("--kafka", kafka_broker.servers, "--database", empty_database))
        up.start()
        try:
            assert set(up.pids()) == {"ingest", "scoring", "metrics"}
            _post(up)
            wait_until(lambda: _status(up) == "known", within_seconds=30, what="the lead is known")
            wait_until(lambda: _known(up) == 1, within_seconds=30, what="the funnel has moved")
            assert _known(up, "--window", "30d", "--entry", "known", "--tz", "Europe/Copenhagen") == 1
            assert _known(up, "--filter", "channel:no-such", "--filter", "country:") == 0
        finally:
            assert up.end(signal.SIGTERM) == 0


def test_a_database_that_is_away_is_waited_for_and_said(tmp_path: Path) -> None:
    up = Up(tmp_path / "data", options=("--database", "postgresql://tragt@/tragt?host=/nowhere"))
    up.launch()

    wait_until(lambda: "waiting: the database did not answer" in up.said(), within_seconds=30, what="it says so")
    assert up.end(signal.SIGTERM) == 0


def _post(up: Up) -> None:
    keys = msgspec.json.decode((up.folder / "credentials.json").read_bytes())
    answer = httpx.post(
        f"http://127.0.0.1:{up.ports.split(',')[0]}/v1/touchpoints",
        json={"touchpoints": _TOUCHPOINTS},
        headers={"Authorization": f"Bearer {keys['write_key']}"},
        timeout=30,
        trust_env=False,
    )
    assert answer.json() == {"accepted": 2, "rejected": []}


def _status(up: Up) -> str | None:
    done = up.command("leads", "show", "user_id:u1", "--json")
    return str(msgspec.json.decode(done.stdout)["status"]) if done.returncode == 0 else None


def _known(up: Up, *asked: str) -> int:
    steps = msgspec.json.decode(up.command("funnel", "--json", *asked).stdout)["steps"]
    return int(next(step["entered"] for step in steps if step["step"] == "known"))
