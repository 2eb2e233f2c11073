"""What runs where: ports of the services, the database and the log, and the settings each service is started with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from services.cli.place import Credentials
from shared.database.roles import SERVICES
from shared.errors import Misconfigured
from shared.settings import LogSettings

HOST: Final = "127.0.0.1"
DEFAULT_PORTS: Final = "7101,7102,7103"

_KAFKA: Final = frozenset(
    f"TRAGT_{name}".upper()
    for name in LogSettings.model_fields
    if name.startswith("kafka_") and name != "kafka_servers"
)
"""How the brokers are reached, said once for all services: ``TRAGT_KAFKA_SECURITY`` and so on."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One port per service."""

    ingest: int
    scoring: int
    metrics: int

    def address(self, service: str) -> str:
        """Where the service answers."""
        return f"http://{HOST}:{self.of(service)}"

    def of(self, service: str) -> int:
        """The service's port."""
        port: int = asdict(self)[service]
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All that the services have to know of their surroundings."""

    ports: Ports
    dsn: str
    kafka: tuple[str, ...]
    template: str

    def environment(self, service: str, base: Mapping[str, str], keys: Credentials) -> dict[str, str]:
        """The environment of one service: what we were started with, and over it what follows from the layout."""
        common = {
            "HOST": HOST,
            "PORT": str(self.ports.of(service)),
            "DATABASE_DSN": self.dsn,
            "LOG_KIND": "kafka" if self.kafka else "postgres",
            "LOG_DSN": self.dsn,
            "LOG_KAFKA_SERVERS": ",".join(self.kafka),
            **{f"LOG_{name.removeprefix('TRAGT_')}": value for name, value in base.items() if name in _KAFKA},
            **self._own(service, keys),
        }
        return {**base, **{f"{service.upper()}_{name}": value for name, value in common.items()}}

    def _own(self, service: str, keys: Credentials) -> dict[str, str]:
        match service:
            case "scoring":
                return {"TEMPLATE": self.template}
            case "metrics":
                return {"SCORING_URL": self.ports.address("scoring"), "SCORING_KEY": keys.secret_key}
            case _:
                return {}


def parse_ports(text: str) -> Ports:
    """Three different ports from ``INGEST,SCORING,METRICS``. Raises Misconfigured."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(SERVICES) or len(set(numbers)) != len(SERVICES) or not all(0 < n < 2**16 for n in numbers):
        raise Misconfigured(f"--ports takes three different ports, ingest, scoring and metrics, like {DEFAULT_PORTS}")
    return Ports(*numbers)


def parse_dsn(text: str) -> str:
    """The address of a database as it is. Raises Misconfigured when it is none."""
    if not text.startswith(("postgresql://", "postgres://")):
        raise Misconfigured("--database takes an address like postgresql://USER:PASSWORD@HOST:5432/NAME")
    return text
