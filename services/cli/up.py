"""``tragt up``: everything on this machine, in the foreground, until it is told to end."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.cli.announcement import Announcement
from services.cli.bring_up import free_ports, prepare_database, prepare_log, retrying
from services.cli.demo_child import load_demo
from services.cli.first_workspace import ensure_workspace
from services.cli.layout import Layout, Ports
from services.cli.sign_in import sign_in_link
from services.ingest.settings import IngestSettings
from shared.clock import Clock
from shared.database.roles import SERVICES
from shared.embedded.cluster import open_cluster
from shared.embedded.control import Ask, serving
from shared.embedded.lock import hold
from shared.embedded.postgres import postgres_program, prepare
from shared.embedded.service import service_program
from shared.embedded.supervisor import Supervisor, supervising
from shared.settings import read_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What ``tragt up`` was asked for. ``dsn`` empty means the embedded PostgreSQL, ``kafka`` empty its own log."""

    folder: Path
    ports: Ports
    dsn: str
    kafka: tuple[str, ...]
    template: str
    origins: frozenset[str]
    demo: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command is given: the environment, the clock, and where to tell people."""

    environment: Mapping[str, str]
    clock: Clock
    say: Callable[[str], None]
    announce: Callable[[Announcement], None]


async def run_up(wanted: Wanted, around: Surroundings) -> None:
    """Start everything, announce it once it is ready, and keep it running until a signal or ``tragt down`` ends it.

    Raises AlreadyRunning, Misconfigured. When it returns, and when this process dies, no child is left.
    """
    stop = asyncio.Event()
    with hold(wanted.folder):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        work = asyncio.create_task(_Instance(wanted, around, stop).run())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled() and (error := work.exception()) is not None:
            raise _innermost(error)


class _Instance:
    """One run on one data folder, from the first child to the last."""

    def __init__(self, wanted: Wanted, around: Surroundings, stop: asyncio.Event) -> None:
        self._wanted = wanted
        self._around = around
        self._stop = stop
        self._layout: Layout | None = None
        self._is_ready = False

    async def run(self) -> None:
        """Runs until cancelled; then every child is ended."""
        async with AsyncExitStack() as stack:
            folder = self._wanted.folder
            supervisor = await stack.enter_async_context(supervising(folder / "logs", self._around.say))
            await stack.enter_async_context(serving(folder, lambda ask: self._answer(ask, supervisor)))
            await self._start(supervisor)
            if self._wanted.demo:
                await self._load_demo()
            # Not for ``stop``: a cancel while the children are being ended would leave some.
            await asyncio.Event().wait()

    async def _start(self, supervisor: Supervisor) -> None:
        wanted, around = self._wanted, self._around
        await free_ports(wanted.ports)
        dsn = wanted.dsn or await self._start_database(supervisor)
        await prepare_database(dsn, around.say)
        layout = Layout(ports=wanted.ports, dsn=dsn, kafka=wanted.kafka, template=wanted.template)
        self._layout = layout
        keys, is_new = await ensure_workspace(dsn, wanted.folder, wanted.origins, around.clock.now())
        settings = read_settings(IngestSettings, layout.environment("ingest", around.environment, keys))
        await prepare_log(settings.log, around.say)
        await supervisor.start(
            [
                service_program(name, layout.ports.of(name), layout.environment(name, around.environment, keys))
                for name in SERVICES
            ]
        )
        link = await sign_in_link(dsn, layout.ports, keys.workspace, around.clock.now())
        self._is_ready = True
        around.announce(Announcement(layout.ports, wanted.folder, keys, is_new, link))

    async def _start_database(self, supervisor: Supervisor) -> str:
        cluster = open_cluster(self._wanted.folder / "postgres", self._around.say)
        await supervisor.start([postgres_program(cluster)])
        await retrying(lambda: prepare(cluster), self._around.say)
        return cluster.dsn()

    async def _load_demo(self) -> None:
        say = self._around.say
        say("The demo month is being sent; the page shows it arriving.")
        code = await load_demo(self._wanted.folder, self._around.environment)
        say("The demo month is in." if code == 0 else f"The demo month failed: see {self._wanted.folder}/logs/demo.log")

    def _answer(self, ask: Ask, supervisor: Supervisor) -> dict[str, Any]:
        if ask is Ask.STOP:
            self._stop.set()
        layout = self._layout
        return {
            "ready": self._is_ready,
            "ending": self._stop.is_set(),
            "ports": asdict(self._wanted.ports),
            "dsn": layout.dsn if layout else None,
            "kafka": list(self._wanted.kafka),
            "children": [asdict(status) for status in supervisor.statuses()],
        }


def _innermost(error: BaseException) -> BaseException:
    """The first error inside the groups that tasks wrap it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
