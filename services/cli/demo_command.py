"""``tragt demo``: a month of an invented company, sent through HTTP, and the funnel it makes."""

import threading
import time
from typing import Annotated, Any, Final

import typer
from httpx import HTTPStatusError

from services.cli.client import Api, refused
from services.cli.context import given
from services.cli.demo.command import Demo, run
from services.cli.exits import Ended, Exit, endings
from services.cli.funnel import show_funnel
from services.cli.instance import api, reach
from services.cli.layout import DEFAULT_PORTS, parse_ports
from services.cli.place import DEFAULT, Data, read_credentials

_CATCH_UP_SECONDS: Final = 120.0
_STILL_SECONDS: Final = 3.0


def demo(
    context: typer.Context,
    data: Data = DEFAULT,
    days: Annotated[int, typer.Option(help="How many whole days up to yesterday.")] = 30,
    seed: Annotated[int, typer.Option(help="Another number is another company.")] = 1,
) -> None:
    """Send the demo month; running it again the next day adds a day."""
    around = given(context)
    found = reach(data)
    ports = found.ports if found else parse_ports(DEFAULT_PORTS)
    with endings():
        keys = read_credentials(data)
        if keys is None:
            raise Ended(Exit.AWAY, f"there are no keys in {data}: start with `tragt up`")
        wanted = Demo(
            address=ports.address("ingest"), write_key=keys.write_key, now=around.clock.now(), days=days, seed=seed
        )
        try:
            run(wanted, around.console)
        except HTTPStatusError as error:
            raise refused(error.response) from error
    show_funnel(around, _caught_up(api(data, "metrics", "", "")))


def _caught_up(metrics: Api) -> dict[str, Any]:
    """The funnel once it moves no more and no lead waits, or as it is when that takes too long.

    Metrics knows only how far behind scoring's changes it is; what scoring has still to read shows as movement.
    """
    deadline, pause = time.monotonic() + _CATCH_UP_SECONDS, threading.Event()
    before: dict[str, Any] = {}
    while True:
        found = metrics.get("/v1/funnel")
        is_still = before.get("steps") == found["steps"] and not found["meta"]["stale_leads"]
        if is_still or time.monotonic() > deadline:
            return found
        before = found
        pause.wait(_STILL_SECONDS)
