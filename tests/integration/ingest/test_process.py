"""The ingest process: its settings, its start and end, and what it does while others are away."""

import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from services.ingest.bootstrap import opened
from shared.database.access import revoke_key
from shared.database.session import writing
from tests.durable_postgres import DurablePostgres, running_postgres
from tests.ingest_door import Keys, make_keys, settings_for
from tests.ingest_process import IngestProcess, run_ingest, running_ingest
from tests.kafka_broker import KafkaBroker
from tests.waiting import eventually, wait_until

_PATH = "/v1/touchpoints"
_NOWHERE = "postgresql://nobody@/nothing?host=/nowhere"


def _visit(name: str) -> bytes:
    return msgspec.json.encode({"id": name, "kind": "page_viewed", "identity": {"anonymous_id": name}})


def _settings(dsn: str, **more: str) -> dict[str, str]:
    return {"INGEST_DATABASE_DSN": dsn, "INGEST_LOG_DSN": dsn, **more}


@pytest.fixture
async def keys(database: str) -> AsyncIterator[Keys]:
    async with opened(settings_for(database)) as own:
        yield await make_keys(own)


@pytest.fixture
def ingest(tmp_path: Path, database: str, keys: Keys) -> Iterator[IngestProcess]:
    assert keys.write
    with running_ingest(tmp_path, _settings(database)) as running:
        running.wait_for(running.is_ready)
        yield running


def test_settings_are_shown_without_passwords() -> None:
    shown = run_ingest(_settings("postgresql://u:secret@db/tragt"), "--check-config")

    told = msgspec.json.decode(shown.stdout)
    assert shown.returncode == 0
    assert (told["port"], told["run"]) == (7101, ["api", "rejections"])
    assert "secret" not in shown.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"INGEST_PROT": "1"}, "INGEST_PORT"),
        ({"INGEST_PORT": "seven"}, "INGEST_PORT"),
        ({"INGEST_LIMIT_ITEM": "5"}, "INGEST_LIMIT_ITEMS"),
        ({"INGEST_RUN": "api,nonsense"}, "INGEST_RUN"),
    ],
    ids=["unknown", "wrong", "unknown inner", "unknown part"],
)
def test_wrong_setting_is_named_and_ends_it(variables: dict[str, str], said: str) -> None:
    ended = run_ingest({**_settings(_NOWHERE), **variables})

    assert ended.returncode == 2
    assert said in ended.stderr


def test_process_takes_touchpoints_and_ends_within_its_promise(ingest: IngestProcess, keys: Keys) -> None:
    answer = ingest.post(_PATH, _visit("a"), keys.write)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
    assert ingest.end() == 0
    log = ingest.log.read_text()
    assert all(msgspec.json.decode(line)["service"] == "ingest" for line in log.splitlines())
    assert "page_viewed" not in log


def test_stalled_client_does_not_hold_up_its_end(ingest: IngestProcess) -> None:
    with socket.create_connection(("127.0.0.1", ingest.port)) as client:
        client.sendall(b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{")
        begun = time.monotonic()

        assert ingest.end() == 0

    assert time.monotonic() - begun < 10


def test_refused_item_is_in_the_table_soon(ingest: IngestProcess, keys: Keys) -> None:
    ingest.post(_PATH, b'{"id":"bad"}', keys.write)

    def is_listed() -> bool:
        headers = {"authorization": f"Bearer {keys.secret}"}
        listed: list[dict[str, Any]] = httpx.get(f"{ingest.address}/v1/rejected", headers=headers).json()["data"]
        return [one["id"] for one in listed] == ["bad"]

    wait_until(is_listed, within_seconds=15, what="the refused item is listed")


async def test_revoked_key_works_for_less_than_ten_seconds(ingest: IngestProcess, keys: Keys, database: str) -> None:
    assert ingest.post(_PATH, _visit("a"), keys.write).status_code == 200
    async with opened(settings_for(database)) as own, writing(own.writer) as session:
        assert await revoke_key(session, keys.write.rpartition("_")[0], own.clock.now())

    async def is_refused() -> bool:
        return ingest.post(_PATH, _visit("a"), keys.write).status_code == 401

    await eventually(is_refused, within_seconds=10, what="the revoked key is refused")


def test_with_everything_away_it_is_live_says_why_and_asks_to_come_again(tmp_path: Path) -> None:
    with running_ingest(tmp_path, _settings(_NOWHERE)) as running:
        ready = httpx.get(f"{running.address}/health/ready", timeout=10)
        answer = running.post(_PATH, _visit("a"), "tw_a_b")

        assert {reason["part"] for reason in ready.json()["reasons"]} >= {"keys", "log"}
        assert (ready.status_code, answer.status_code) == (503, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert running.end() == 0


@pytest.fixture
def mortal_postgres() -> Iterator[DurablePostgres]:
    with running_postgres() as server:
        yield server


@pytest.mark.timeout(180)
async def test_with_the_log_away_it_waits_then_503_and_the_retry_is_safe(
    tmp_path: Path, mortal_postgres: DurablePostgres
) -> None:
    dsn = mortal_postgres.dsn
    async with opened(settings_for(dsn)) as own:
        keys = await make_keys(own)
    with running_ingest(tmp_path, _settings(dsn)) as running:
        running.wait_for(running.is_ready)
        mortal_postgres.kill()

        begun = time.monotonic()
        away = running.post(_PATH, _visit("a"), keys.write)
        waited = time.monotonic() - begun
        mortal_postgres.start()
        wait_until(
            lambda: running.post(_PATH, _visit("a"), keys.write).status_code == 200, within_seconds=30, what="back"
        )

    assert (away.status_code, int(away.headers["retry-after"])) == (503, 1)
    assert away.json()["code"] == "unavailable"
    assert waited < 10


@pytest.mark.timeout(240)
async def test_with_the_database_away_and_kafka_up_it_goes_on_accepting(
    tmp_path: Path, mortal_postgres: DurablePostgres, kafka_broker: KafkaBroker
) -> None:
    dsn = mortal_postgres.dsn
    async with opened(settings_for(dsn)) as own:
        keys = await make_keys(own)
    kafka = {"INGEST_LOG_KIND": "kafka", "INGEST_LOG_KAFKA_SERVERS": kafka_broker.servers}
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": dsn, **kafka}) as running:
        running.wait_for(running.is_ready)
        mortal_postgres.kill()

        good = [running.post(_PATH, _visit(f"a-{n}"), keys.write).status_code for n in range(20)]
        bad = running.post(_PATH, b'{"id":"bad"}', keys.write).status_code
        mortal_postgres.start()

        assert (set(good), bad) == ({200}, 422)
        headers = {"authorization": f"Bearer {keys.secret}"}

        def is_kept() -> bool:
            listed = httpx.get(f"{running.address}/v1/rejected", headers=headers, timeout=10)
            return listed.status_code == 200 and [one["id"] for one in listed.json()["data"]] == ["bad"]

        wait_until(is_kept, within_seconds=60, what="the refused item is kept once the database is back")
