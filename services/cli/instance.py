"""The instance of a data folder as other commands see and reach it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.client import Api
from services.cli.exits import Ended, Exit, endings
from services.cli.layout import DEFAULT_PORTS, Ports, parse_dsn, parse_ports
from services.cli.place import read_credentials
from shared.embedded.control import Ask, ask


@dataclass(frozen=True, slots=True)
class Reach:
    """What a running instance says of itself."""

    state: dict[str, Any]

    @property
    def ports(self) -> Ports:
        """Its services' ports."""
        return Ports(**self.state["ports"])

    @property
    def dsn(self) -> str:
        """Its database. Raises Ended while there is none yet."""
        if not self.state["dsn"]:
            raise Ended(Exit.AWAY, "the instance is still starting: try again in a moment")
        return str(self.state["dsn"])


def reach(folder: Path) -> Reach | None:
    """The running instance on the folder, or None."""
    state = ask(folder, Ask.STATUS)
    return None if state is None else Reach(state)


def database_of(folder: Path, named: str) -> str:
    """The database to work on: the one named, else that of the running instance. Raises Ended."""
    if named:
        with endings():
            return parse_dsn(named)
    found = reach(folder)
    if found is None:
        raise Ended(Exit.AWAY, f"nothing runs on {folder}: start it with `tragt up`, or use --database")
    return found.dsn


def api(folder: Path, service: str, address: str, key: str) -> Api:
    """A service to ask: at ``address`` and with ``key`` when given, else the running instance with its kept key."""
    with endings():
        kept = read_credentials(folder)
    secret = key or (kept.secret_key if kept else "")
    if not secret:
        raise Ended(Exit.REFUSED, f"there is no key in {folder}: name one with --key, or the folder with --data")
    return Api(address or address_of(folder, service), secret)


def address_of(folder: Path, service: str) -> str:
    """Where a service of the folder's instance answers, or would."""
    found = reach(folder)
    return (found.ports if found else parse_ports(DEFAULT_PORTS)).address(service)
