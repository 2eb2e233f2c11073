"""A broker that wants encryption, a certificate of ours, and a name with a password."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from shared.database.roles import Role
from shared.errors import Misconfigured, Unavailable
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.streaming.types import Append, Partition
from tests.contract.certificates import Authority
from tests.contract.conftest import Parts
from tests.contract.consuming import position_all, read
from tests.kafka_broker import KafkaBroker, fetch_jars, free_ports

_WORD = "hush"
_PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},SSL://127.0.0.1:{tls},SASL_SSL://127.0.0.1:{sasl}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},SSL://127.0.0.1:{tls},SASL_SSL://127.0.0.1:{sasl}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=\\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_tragt="{password}";
listener.name.ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={folder}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Its addresses and the folder with ``ca.pem``, ``client.pem`` and ``client.key``."""

    tls: str
    sasl: str
    folder: Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    fetch_jars()
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.certificate)
    (folder / "keystore.pem").write_bytes(authority.sign("broker").in_one)
    authority.sign("client").store(folder, "client")
    tls, sasl = free_ports(2)
    properties = _PROPERTIES.format(tls=tls, sasl=sasl, folder=folder, password=_WORD)
    user = f"SCRAM-SHA-512=[name=tragt,password={_WORD}]"
    broker = KafkaBroker(folder, None, properties, "--add-scram", user)
    try:
        broker.start()
        yield Guarded(f"127.0.0.1:{tls}", f"127.0.0.1:{sasl}", folder)
    finally:
        broker.kill()


def _settings(guarded: Guarded, **said: Any) -> LogSettings:
    servers = guarded.sasl if "kafka_user" in said else guarded.tls
    return LogSettings(
        kind="kafka", kafka_servers=(servers,), **{"kafka_ca_file": str(guarded.folder / "ca.pem"), **said}
    )


def _certificate(guarded: Guarded) -> dict[str, str]:
    folder = guarded.folder
    return {"kafka_certificate_file": f"{folder}/client.pem", "kafka_key_file": f"{folder}/client.key"}


@pytest.mark.parametrize("way", ["certificate", "SCRAM-SHA-512", "PLAIN"])
async def test_what_is_sent_comes_back(guarded: Guarded, parts: Parts, way: Any) -> None:
    said = {"kafka_security": "sasl_ssl", "kafka_user": "tragt", "kafka_password": SecretStr(_WORD)}
    settings = (
        _settings(guarded, kafka_security="ssl", **_certificate(guarded))
        if way == "certificate"
        else _settings(guarded, kafka_mechanism=way, **said)
    )
    log, topic = open_log(settings, Role.SCORING_WORKER), f"guarded.{way.lower()}"
    await parts.admin(log).ensure(topic, 1, 3_600)

    await parts.producer(log).append(topic, [Append(0, b"secret")])

    consumer = parts.consumer(log, "g", topic, "m")
    await position_all(consumer, 1)
    (batch,) = (await read(consumer, 1))[Partition(topic, 0)]
    assert [record.value for record in batch.records] == [b"secret"]


async def test_a_wrong_password_is_an_outage_whose_reason_is_logged(
    guarded: Guarded, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = _settings(guarded, kafka_security="sasl_ssl", kafka_user="tragt", kafka_password=SecretStr("guess"))

    with pytest.raises(Unavailable, match="does not answer"):
        await parts.admin(open_log(wrong, Role.SCORING_WORKER)).ping()
    assert "Authentication failed" in caplog.text


async def test_a_broker_whose_certificate_we_do_not_trust_is_not_spoken_to(guarded: Guarded, parts: Parts) -> None:
    others = guarded.folder / "others.pem"
    others.write_bytes(Authority().certificate)

    with pytest.raises(Unavailable):
        await parts.admin(
            open_log(
                _settings(guarded, kafka_security="ssl", kafka_ca_file=str(others), **_certificate(guarded)),
                Role.SCORING_WORKER,
            )
        ).ping()


def test_a_certificate_that_is_not_there_is_misconfiguration(guarded: Guarded) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        open_log(_settings(guarded, kafka_security="ssl", kafka_ca_file="/nowhere/ca.pem"), Role.SCORING_WORKER)
