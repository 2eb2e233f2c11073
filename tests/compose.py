"""docker-compose.yml as the compose program would read it, as far as this project uses it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tests.architecture.source import ROOT

_VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<word>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class ComposeService:
    """What is run, and everything it is told."""

    name: str
    command: list[str]
    environment: dict[str, str]


def read_compose() -> dict[str, Any]:
    """The file with its anchors resolved and its variables still in place."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Variables filled in; KeyError with the file's own message for one that must be set."""

    def fill(match: re.Match[str]) -> str:
        given = variables.get(match["name"], "")
        if given or match["kind"] is None:
            return given
        if match["kind"] == "?":
            raise KeyError(f"{match['name']}: {match['word']}")
        return match["word"]

    return _VARIABLE.sub(fill, text)


def service(name: str, variables: Mapping[str, str]) -> ComposeService:
    """One service with its variables filled in."""
    document = read_compose()["services"][name]
    environment = {key: interpolate(str(value), variables) for key, value in document["environment"].items()}
    return ComposeService(name, [interpolate(part, variables) for part in document["command"]], environment)
