"""``tragt demo``: the month of the invented company up to the last whole day, with a progress bar."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.demo.month import STORY_DAYS, month
from services.cli.demo.sender import Sender, Sent
from shared.clock import DAY
from shared.errors import Misconfigured

TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What to send and where: the address of ingest, a write key, the present instant (microseconds)."""

    address: str
    write_key: str
    now: int
    days: int = STORY_DAYS
    seed: int = 1


def run(demo: Demo, console: Console) -> Sent:
    """Send the cohorts of the last ``days`` whole days (UTC) and say what became of them.

    Sending again the same day changes nothing, the next day it adds that day. Raises Misconfigured for fewer than 30
    days (a story is that long), Unavailable when ingest stays away.
    """
    if demo.days < STORY_DAYS:
        raise Misconfigured(f"a demo needs at least {STORY_DAYS} days: the longest story lasts that long")
    yesterday = demo.now // DAY - 1
    touchpoints = list(month(demo.seed, yesterday - demo.days + 1, yesterday))
    bar = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        httpx.Client(base_url=demo.address, timeout=TIMEOUT_SECONDS) as client,
        Progress(*bar, console=console) as progress,
    ):
        task = progress.add_task("demo month", total=len(touchpoints))
        sent = Sender(client, demo.write_key).send(touchpoints, lambda count: progress.advance(task, count))
    _report(sent, console)
    return sent


def _report(sent: Sent, console: Console) -> None:
    console.print(
        f"{sent.accepted:,} touchpoints accepted, {len(sent.rejected)} rejected, {sent.retries} requests repeated"
    )
    for code, count in Counter(str(item.get("code")) for item in sent.rejected).most_common():
        console.print(f"  {count} x {code}")
