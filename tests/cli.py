"""The ``tragt`` command inside the test's process: what it prints, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import msgspec
from rich.console import Console

from services.cli.app import build_app
from services.cli.context import Given
from services.cli.exits import Ended, Exit
from shared.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer of a command with ``--json``."""
        return msgspec.json.decode(self.out)


def tragt(*arguments: str, clock: Clock | None = None, environment: Mapping[str, str] | None = None) -> Told:
    """Run a command."""
    out, err = StringIO(), StringIO()
    around = Given(
        environment or {},
        clock or SystemClock(),
        Console(file=out, width=200),
        Console(file=err, width=200),
    )
    try:
        build_app()(list(arguments), obj=around, standalone_mode=False)
    except Ended as ended:
        return Told(ended.code, out.getvalue(), f"{err.getvalue()}{ended}")
    return Told(Exit.OK, out.getvalue(), err.getvalue())
