import os
import subprocess
import sys

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from shared.errors import Misconfigured
from shared.settings import CommaList, ServiceSettings, describe, read_settings, redacted, variables


class DoorSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DOOR_")

    port: int = 7101
    run: CommaList = ("api", "rejections")
    is_public: bool = False


DSN = "postgresql://tragt:hush@/tragt?host=%2Frun"
GOOD = {"DOOR_DATABASE_DSN": DSN, "DOOR_LOG_DSN": DSN}


def test_variables_reach_the_fields_they_name() -> None:
    environment = GOOD | {
        "DOOR_DATABASE_POOL_SIZE": "9",
        "DOOR_PORT": "0",
        "DOOR_RUN": "api, worker",
        "DOOR_LOG_KIND": "kafka",
        "DOOR_LOG_KAFKA_SERVERS": "a:1,b:2",
        "DOOR_IS_PUBLIC": "off",
        "PATH": "/bin",
    }

    settings = read_settings(DoorSettings, environment)

    assert settings.database.dsn.get_secret_value() == DSN
    assert (settings.database.pool_size, settings.port, settings.is_public) == (9, 0, False)
    assert settings.run == ("api", "worker")
    assert settings.log.kafka_servers == ("a:1", "b:2")


def test_nothing_said_means_the_defaults_and_an_empty_variable_says_nothing() -> None:
    settings = read_settings(DoorSettings, GOOD | {"DOOR_PORT": ""})

    assert (settings.port, settings.run, settings.log.kind) == (7101, ("api", "rejections"), "postgres")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("DOOR_DATABASE_DNS", "DOOR_DATABASE_DSN"),
        ("DOOR_PROT", "DOOR_PORT"),
        ("DOOR_KAFKA_SERVERS", "DOOR_LOG_KAFKA_SERVERS"),
        ("DOOR_RUN_ALL", "DOOR_RUN"),
        ("door_prot", "DOOR_PORT"),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest_right_one(wrong: str, right: str) -> None:
    with pytest.raises(Misconfigured, match=rf"^{wrong}: is not a setting; the nearest is {right}$"):
        read_settings(DoorSettings, GOOD | {wrong: "x"})


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DOOR_PORT", "many", "DOOR_PORT: Input should be a valid integer"),
        ("DOOR_IS_PUBLIC", "perhaps", "DOOR_IS_PUBLIC: Input should be a valid boolean"),
        ("DOOR_DATABASE_POOL_SIZE", "0", "DOOR_DATABASE_POOL_SIZE: Input should be greater than or equal to 1"),
        ("DOOR_DATABASE_DSN", "", "DOOR_DATABASE: Field required"),
        ("DOOR_LOG_KIND", "rabbit", "DOOR_LOG_KIND: Input should be 'postgres' or 'kafka'"),
        ("DOOR_LOG_KIND", "kafka", "DOOR_LOG: Value error, kind kafka needs brokers"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_without_repeating_it(name: str, value: str, complaint: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_settings(DoorSettings, GOOD | {name: value})

    assert complaint in str(caught.value)
    assert "many" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_settings_do_not_change() -> None:
    settings = read_settings(DoorSettings, GOOD)

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_passwords_are_left_out_of_what_is_printed() -> None:
    settings = read_settings(DoorSettings, GOOD)

    assert "hush" not in describe(settings) + repr(settings)
    assert "tragt:***@/tragt" in describe(settings)


def test_every_variable_is_known_by_name() -> None:
    assert variables(DoorSettings) == {
        "DOOR_HOST", "DOOR_PORT", "DOOR_RUN", "DOOR_IS_PUBLIC", "DOOR_DATABASE_DSN", "DOOR_DATABASE_POOL_SIZE",
        "DOOR_LOG_KIND", "DOOR_LOG_DSN", "DOOR_LOG_KAFKA_SERVERS", "DOOR_TRACES_ENDPOINT",
        "DOOR_LOG_KAFKA_SECURITY", "DOOR_LOG_KAFKA_CA_FILE", "DOOR_LOG_KAFKA_CERTIFICATE_FILE",
        "DOOR_LOG_KAFKA_KEY_FILE", "DOOR_LOG_KAFKA_MECHANISM", "DOOR_LOG_KAFKA_USER", "DOOR_LOG_KAFKA_PASSWORD",
    }  # fmt: skip


@pytest.mark.parametrize("dsn", ["postgresql://tragt:hush@/tragt?host=%2Frun", "postgresql://tragt:hush@db:5432/tragt"])
def test_a_password_is_not_shown(dsn: str) -> None:
    assert redacted(dsn) == dsn.replace("hush", "***")


def test_an_address_without_a_password_is_shown_as_it_is() -> None:
    assert redacted("postgresql://db/tragt") == "postgresql://db/tragt"


PROGRAM = """
from pydantic_settings import SettingsConfigDict
from shared.settings import ServiceSettings, settings_of_process
class S(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DOOR_")
print("runs", settings_of_process(S).host)
"""


@pytest.mark.parametrize(
    ("arguments", "extra", "code", "out", "err"),
    [
        ([], {}, 0, "runs 127.0.0.1", ""),
        (["--check-config"], {}, 0, "tragt:***@", ""),
        (["--chekc"], {}, 2, "", "--chekc: is not an argument"),
        ([], {"DOOR_HOTS": "x"}, 2, "", "DOOR_HOTS: is not a setting; the nearest is DOOR_HOST"),
    ],
)
def test_a_process_starts_only_with_right_settings(
    arguments: list[str], extra: dict[str, str], code: int, out: str, err: str
) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)} | GOOD | extra

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, out in done.stdout, err in done.stderr) == (code, True, True)
    assert "hush" not in done.stdout + done.stderr
