import pytest

from services.cli.layout import Layout, Ports, parse_ports
from services.cli.place import Credentials
from shared.errors import Misconfigured

KEYS = Credentials("default", "tw_a_b", "ts_a_b")
PORTS = Ports(7101, 7102, 7103)


def test_three_ports_are_those_of_the_services_in_order() -> None:
    assert parse_ports("1,2,3") == Ports(ingest=1, scoring=2, metrics=3)
    assert parse_ports("7101,7102,7103").address("metrics") == "http://127.0.0.1:7103"


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1,1,2", "a,b,c", "0,1,2", "1,2,65536", "-1,2,3"])
def test_anything_but_three_different_ports_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="three different ports"):
        parse_ports(text)


def test_services_get_the_embedded_log_unless_there_is_a_broker() -> None:
    embedded = Layout(ports=PORTS, dsn="postgresql://d", kafka=(), template="b2b")
    on_kafka = Layout(ports=PORTS, dsn="postgresql://d", kafka=("a:1", "b:2"), template="b2b")

    assert embedded.environment("ingest", {}, KEYS)["INGEST_LOG_KIND"] == "postgres"
    assert on_kafka.environment("ingest", {}, KEYS)["INGEST_LOG_KIND"] == "kafka"
    assert on_kafka.environment("ingest", {}, KEYS)["INGEST_LOG_KAFKA_SERVERS"] == "a:1,b:2"


def test_how_the_brokers_are_reached_is_said_once_for_all_services() -> None:
    layout = Layout(ports=PORTS, dsn="postgresql://d", kafka=("a:1",), template="b2b")
    said = {"TRAGT_KAFKA_SECURITY": "ssl", "TRAGT_KAFKA_CA_FILE": "/ca.pem", "TRAGT_KAFKA": "ignored:1"}

    environment = layout.environment("scoring", said, KEYS)

    assert environment["SCORING_LOG_KAFKA_SECURITY"] == "ssl"
    assert environment["SCORING_LOG_KAFKA_CA_FILE"] == "/ca.pem"
    assert environment["SCORING_LOG_KAFKA_SERVERS"] == "a:1"


def test_what_we_were_started_with_reaches_the_services_and_the_layout_wins() -> None:
    layout = Layout(ports=PORTS, dsn="postgresql://d", kafka=(), template="b2b")

    environment = layout.environment("scoring", {"PATH": "/bin", "SCORING_EPOCH": "2", "SCORING_PORT": "1"}, KEYS)

    assert (environment["PATH"], environment["SCORING_EPOCH"]) == ("/bin", "2")
    assert (environment["SCORING_PORT"], environment["SCORING_TEMPLATE"]) == ("7102", "b2b")


def test_only_metrics_is_given_the_secret_key() -> None:
    layout = Layout(ports=PORTS, dsn="postgresql://d", kafka=(), template="b2b")

    holders = [
        name for name in ("ingest", "scoring", "metrics") if "ts_a_b" in layout.environment(name, {}, KEYS).values()
    ]

    assert holders == ["metrics"]


def test_keys_are_not_shown_by_accident() -> None:
    assert "tw_a_b" not in repr(KEYS)
    assert "ts_a_b" not in repr(KEYS)
