"""How commands answer when there is nothing to ask."""

from pathlib import Path

import pytest

from tests.cli import tragt


@pytest.mark.parametrize("command", [("status",), ("down",), ("keys", "list"), ("migrate",)])
def test_commands_say_when_nothing_runs(tmp_path: Path, command: tuple[str, ...]) -> None:
    told = tragt(*command, "--data", str(tmp_path))

    assert told.code == 3
    assert f"nothing runs on {tmp_path}" in told.err


@pytest.mark.parametrize("command", ["leads list", "leads show user_id:u1", "funnel", "reconcile", "rebuild"])
def test_questions_without_a_key_are_refused(tmp_path: Path, command: str) -> None:
    told = tragt(*command.split(), "--data", str(tmp_path))

    assert told.code == 5
    assert f"there is no key in {tmp_path}" in told.err


def test_questions_to_a_service_that_is_away_say_where_it_should_be() -> None:
    told = tragt("funnel", "--key", "ts_a_b", "--address", "http://127.0.0.1:1")

    assert told.code == 3
    assert "http://127.0.0.1:1 does not answer" in told.err


@pytest.mark.parametrize("who", ["hello", "colour:red", "u1"])
def test_a_lead_is_an_id_or_a_key_with_its_type(who: str) -> None:
    told = tragt("leads", "show", who, "--key", "ts_a_b")

    assert told.code == 2
    assert f"{who!r} is neither a lead id nor TYPE:VALUE" in told.err


def test_an_address_alone_is_answered_with_how_to_ask() -> None:
    assert "did you mean email:ada@acme.example?" in tragt("leads", "show", "ada@acme.example", "--key", "ts_a_b").err


def test_status_for_scripts_is_json_even_when_nothing_runs(tmp_path: Path) -> None:
    told = tragt("status", "--json", "--data", str(tmp_path))

    assert (told.code, told.json) == (3, {"running": False})


def test_doctor_says_how_to_start(tmp_path: Path) -> None:
    told = tragt("doctor", "--data", str(tmp_path))

    assert told.code == 1
    assert f"instance: nothing runs on {tmp_path}" in told.out
    assert "start it with `tragt up`" in told.out


def test_doctor_finds_keys_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").touch(mode=0o644)
    (tmp_path / "credentials.json").chmod(0o644)

    wrong = [found for found in tragt("doctor", "--json", "--data", str(tmp_path)).json["data"] if not found["is_well"]]

    assert wrong[0]["part"] == "keys"
    assert f"chmod 600 {tmp_path / 'credentials.json'}" in wrong[0]["advice"]


@pytest.mark.parametrize("ports", ["7101", "7101,7101,7103"])
def test_up_refuses_ports_that_cannot_be(tmp_path: Path, ports: str) -> None:
    told = tragt("up", "--ports", ports, "--data", str(tmp_path))

    assert told.code == 2
    assert "three different ports" in told.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("up --database tragt", "postgresql://USER:PASSWORD@HOST"),
        ("migrate --database tragt", "postgresql://USER:PASSWORD@HOST"),
        ("up --template c2c", "there are b2b"),
        ("policy set {folder}", "cannot be read: Is a directory"),
        ("rejected fix 1 {folder}/none --key ts_a_b", "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_starts(tmp_path: Path, command: str, said: str) -> None:
    told = tragt(*command.format(folder=tmp_path).split(), "--data", str(tmp_path / "new"), environment={})

    assert (told.code, said in told.err) == (2, True)
