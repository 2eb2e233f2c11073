"""``tragt up`` as a user lives with it: it heals, it ends, it starts again, whoever runs it."""

import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.e2e.up import Up, all_gone, other_account
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

_HEAL_SECONDS = 30
_END_SECONDS = 10


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder that every account can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="tragt-up-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def up(room: Path) -> Iterator[Up]:
    """One instance that several tests hurt and none ends."""
    up = Up(room / "data")
    up.start()
    yield up
    up.end(signal.SIGTERM)


def _addresses(up: Up) -> list[str]:
    return [f"http://127.0.0.1:{port}" for port in up.ports.split(",")]


def _all_serve(up: Up) -> bool:
    answers = [httpx.get(f"{address}/health/ready", trust_env=False) for address in _addresses(up)]
    return all(answer.status_code == httpx.codes.OK for answer in answers)


def test_it_says_where_everything_is_and_keeps_the_keys(up: Up) -> None:
    said = up.said()

    path = up.folder / "credentials.json"
    keys = msgspec.json.decode(path.read_bytes())
    assert set(keys) == {"workspace", "write_key", "secret_key"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for told in (*_addresses(up), keys["write_key"], keys["secret_key"], "/sign-in?token=", "tragt is ready"):
        assert told in said


def test_every_service_is_ready(up: Up) -> None:
    assert _all_serve(up)


@pytest.mark.parametrize("name", ["postgres", "ingest", "scoring", "metrics"])
def test_a_killed_child_heals(up: Up, name: str) -> None:
    before = up.pids()

    os.kill(before[name], signal.SIGKILL)

    wait_until(lambda: up.pids().get(name, before[name]) != before[name], within_seconds=30, what=f"{name} back")
    wait_until(up.is_ready, within_seconds=_HEAL_SECONDS, what="all live again")
    wait_until(lambda: _all_serve(up), within_seconds=_HEAL_SECONDS, what="all ready again")
    assert f"{name} ended (killed by SIGKILL)" in up.said()


def test_a_second_instance_on_the_folder_is_refused_and_harms_nothing(up: Up) -> None:
    before = up.pids()

    second = up.command("up", "--ports", up.ports)

    assert second.returncode == 4
    assert "already runs" in second.stderr
    assert up.pids() == before


def test_another_instance_may_run_beside_it_but_not_on_its_ports(up: Up, room: Path) -> None:
    other = Up(room / "other", ports=up.ports)

    done = other.command("up", "--ports", up.ports)

    assert done.returncode == 2
    assert f"port {up.ports.split(',')[0]}, meant for ingest, is taken" in done.stderr


def test_status_tells_each_child_and_a_link(up: Up) -> None:
    told = up.command("status")

    assert told.returncode == 0
    assert "ready, on" in told.stdout
    assert "/sign-in?token=" in told.stdout
    for name in ("postgres", "ingest", "scoring", "metrics"):
        assert name in told.stdout
    assert "dsn" not in msgspec.json.decode(up.command("status", "--json").stdout)


def test_doctor_finds_nothing_wrong(up: Up) -> None:
    done = up.command("doctor")

    assert (done.returncode, done.stderr) == (0, "")
    assert "wrong" not in done.stdout


def test_doctor_names_a_stopped_service_and_what_to_do(up: Up) -> None:
    pid = up.pids()["scoring"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = up.command("doctor", "--json")
    finally:
        os.kill(pid, signal.SIGCONT)

    wrong = {
        found["part"]: found["advice"] for found in msgspec.json.decode(done.stdout)["data"] if not found["is_well"]
    }
    assert done.returncode == 1
    assert "read scoring.log" in wrong["scoring ready"]
    wait_until(up.is_ready, within_seconds=_HEAL_SECONDS, what="ready again")


def test_a_key_made_is_good_and_a_revoked_one_is_not(up: Up) -> None:
    made = msgspec.json.decode(up.command("keys", "create", "secret", "--scope", "leads:read", "--json").stdout)
    scoring = _addresses(up)[1]

    def answer() -> int:
        headers = {"Authorization": f"Bearer {made['key']}"}
        return httpx.get(f"{scoring}/v1/leads", headers=headers, trust_env=False).status_code

    wait_until(lambda: answer() == httpx.codes.OK, within_seconds=10, what="the new key is good")
    assert up.command("keys", "revoke", made["prefix"]).returncode == 0
    wait_until(lambda: answer() == httpx.codes.UNAUTHORIZED, within_seconds=10, what="the revoked key is refused")
    assert made["prefix"] in up.command("keys", "list").stdout
    assert made["key"] not in up.command("keys", "list").stdout


def test_what_is_rebuilt_agrees_with_a_recount(up: Up) -> None:
    rebuilt = up.command("rebuild", "--json")
    compared = up.command("reconcile", "--json")

    assert (rebuilt.returncode, rebuilt.stderr) == (0, "")
    assert msgspec.json.decode(rebuilt.stdout)["leads"] == 0
    assert compared.returncode == 0
    assert msgspec.json.decode(compared.stdout)["agrees"]


def test_down_ends_it_and_a_new_start_keeps_the_keys(room: Path) -> None:
    up = Up(room / "down")
    up.start()
    pids = list(up.pids().values())
    keys = (up.folder / "credentials.json").read_bytes()

    ended = up.command("down")

    assert (ended.returncode, ended.stdout.strip()) == (0, "ended")
    assert up.wait() == 0
    assert all_gone(pids)
    assert (up.command("down").returncode, up.command("status").returncode) == (3, 3)
    up.start()
    assert (up.folder / "credentials.json").read_bytes() == keys
    assert up.end(signal.SIGTERM) == 0


def test_killed_itself_it_leaves_no_child_and_starts_again(room: Path) -> None:
    up = Up(room / "killed")
    up.start()
    pids = list(up.pids().values())

    up.end(signal.SIGKILL)

    wait_until(lambda: all_gone(pids), within_seconds=10, what="the children's end")
    up.start()
    assert up.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("stopped", ["postgres", "ingest", "scoring"])
def test_it_ends_in_time_even_when_a_child_hangs(room: Path, stopped: str) -> None:
    up = Up(room / f"hangs-{stopped}")
    up.start()
    pids = up.pids()
    os.kill(pids[stopped], signal.SIGSTOP)

    began = time.monotonic()
    code = up.end(signal.SIGTERM)

    assert code == 0
    assert time.monotonic() - began <= _END_SECONDS
    assert all_gone(list(pids.values()))


def test_told_to_end_while_it_starts_it_ends_in_time(room: Path) -> None:
    up = Up(room / "starting")
    up.launch()
    wait_until(lambda: bool(up.state()), within_seconds=30, what="it answers")
    assert not up.state()["ready"]

    began = time.monotonic()
    code = up.end(signal.SIGTERM)

    assert (code, time.monotonic() - began <= _END_SECONDS) == (0, True)


def test_a_setting_that_a_service_refuses_ends_it_with_the_reason(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    up = Up(room / "refused")
    monkeypatch.setenv("SCORING_BATCH_RECORDS", "none")

    done = up.command("up", "--ports", up.ports)

    assert done.returncode == 2
    assert "scoring cannot start" in done.stderr
    assert "SCORING_BATCH_RECORDS" in done.stderr


def test_an_ordinary_user_runs_it_too(room: Path) -> None:
    account = other_account()
    home = room / "home"
    home.mkdir()
    if account is not None:
        account.own(home)
    up = Up(home / "data", account=account)

    up.start()

    owners = {os.stat(f"/proc/{pid}").st_uid for pid in up.pids().values()}
    assert owners == {account.uid if account is not None else os.geteuid()}
    assert up.end(signal.SIGTERM) == 0
