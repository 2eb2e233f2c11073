"""With the log away the door waits, then says 503: every real client sends again, and each call counts once."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.ingest.bootstrap import opened
from shared.access import WireProfile
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Touchpoint
from shared.database.engine import connect
from shared.vocabulary import TopicName
from tests.durable_postgres import DurablePostgres, running_postgres
from tests.e2e.relay import Relay, relaying
from tests.e2e.server_clients import CLIENTS, WEEK, Client
from tests.e2e.visit import WEEK as BROWSED
from tests.e2e.visit import visiting
from tests.ingest_door import key_of, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.parts import require
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

VISIT = frozenset({"page_viewed", "demo_requested", "order_completed", "form_submit"})
_SENDERS = {
    **CLIENTS,
    "snowplow python post": Client("snowplow_python.py", "python", WireProfile.SEGMENT, more=("post", "patient")),
    "snowplow node post": Client("node_clients/snowplow.mjs", "node", WireProfile.SEGMENT, more=("post", "patient")),
    "snowplow node get": Client("node_clients/snowplow.mjs", "node", WireProfile.SEGMENT, more=("get", "patient")),
}
"""Not Snowplow's for Python by GET: of several events it goes by the answer to the last, and loses those that failed
before it (its ``Emitter.send_events``).
"""
_BROWSERS = {
    "segment": WireProfile.SEGMENT,
    "rudderstack": WireProfile.RUDDERSTACK,
    "posthog": WireProfile.POSTHOG,
    "posthog-of-2024": WireProfile.POSTHOG,
    "snowplow": WireProfile.SEGMENT,
}
"""By the name of the page that has the client."""

_BROWSED = {
    "segment": BROWSED,
    "rudderstack": (*BROWSED, "aliased"),
    "posthog": BROWSED,
    "posthog-of-2024": BROWSED,
    "snowplow": VISIT,
}


@pytest.fixture
def log() -> Iterator[DurablePostgres]:
    with running_postgres() as server:
        yield server


@dataclass(frozen=True, slots=True)
class Place:
    """An ingest on a log that can go away, and a workspace with a key for each client, by the client's name."""

    ingest: IngestProcess
    log: DurablePostgres
    write: dict[str, str]
    workspaces: dict[str, str]

    async def check(self, expected: Mapping[str, Collection[str]]) -> None:
        """That each client's calls are there, each once."""
        found = await self.touchpoints()
        assert {name: sorted(one.kind for one in found[name]) for name in expected} == {
            name: sorted(kinds) for name, kinds in expected.items()
        }

    async def touchpoints(self) -> dict[str, list[Touchpoint]]:
        """What is on the log of each client; a repeated record once, as whoever reads the log has it."""
        connection = await connect(self.log.admin_dsn)
        try:
            values = await read_log(connection, TopicName.TOUCHPOINTS)
        finally:
            await connection.close()
        once = {(one.workspace, one.id): one for one in map(decode_touchpoint, values)}.values()
        return {name: [one for one in once if one.workspace == space] for name, space in self.workspaces.items()}


@pytest.fixture
async def place(tmp_path: Path, log: DurablePostgres) -> AsyncIterator[Place]:
    require("node", "nodejs")
    write: dict[str, str] = {}
    workspaces: dict[str, str] = {}
    async with opened(settings_for(log.dsn)) as own:
        for name, profile in {**{name: one.profile for name, one in _SENDERS.items()}, **_BROWSERS}.items():
            workspace = (await make_keys(own, name.replace(" ", "-"))).workspace
            write[name] = await key_of(own, workspace.id, profile)
            workspaces[name] = str(workspace.id)
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": log.dsn, "INGEST_LOG_DSN": log.dsn}) as ingest:
        ingest.wait_for(ingest.is_ready)
        yield Place(ingest, log, write, workspaces)


@pytest.mark.parametrize("manner", ["killed", "hanging"])
async def test_every_client_of_a_server_delivers_once_the_log_is_back(place: Place, manner: str) -> None:
    leave, come_back = {
        "killed": (place.log.kill, place.log.start),
        "hanging": (place.log.freeze, place.log.thaw),
    }[manner]

    async with AsyncExitStack() as stack:
        gate = asyncio.Barrier(len(_SENDERS))
        relays = {name: await stack.enter_async_context(relaying(place.ingest.port, gate)) for name in _SENDERS}
        await asyncio.to_thread(leave)
        running = {
            name: await asyncio.create_subprocess_exec(
                *client.command(relays[name].address, place.write[name]),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for name, client in _SENDERS.items()
        }
        await _until_refused(relays)
        await asyncio.to_thread(come_back)
        async with asyncio.timeout(120):
            said = {name: (await process.communicate())[1] for name, process in running.items()}

    assert {name: said[name] for name, process in running.items() if process.returncode} == {}
    await place.check({name: VISIT if name.startswith("snowplow") else WEEK for name in _SENDERS})


async def _until_refused(relays: dict[str, Relay]) -> None:
    async def are_refused() -> bool:
        return all(relay.has_refused for relay in relays.values())

    try:
        await eventually(are_refused, within_seconds=40, what="every client is refused")
    except AssertionError:
        raise AssertionError({name: relay.statuses for name, relay in relays.items()}) from None


async def test_every_client_of_a_browser_delivers_once_the_log_is_back(place: Place) -> None:
    async with visiting(place.ingest.address) as opened_visits:
        visits = {name: await opened_visits.new() for name in _BROWSERS}
        await asyncio.to_thread(place.log.kill)
        # Some calls wait for their answer before the next is made.
        starts = [asyncio.create_task(visit.start(name, place.write[name])) for name, visit in visits.items()]

        async def are_refused() -> bool:
            return all(visit.failures or 503 in dict(visit.answers).values() for visit in visits.values())

        await eventually(are_refused, within_seconds=40, what="every client is refused")
        await asyncio.to_thread(place.log.start)
        await asyncio.gather(*starts)
        # This one sends what failed with what comes next: here an event of the next page, of which there is none.
        await visits["snowplow"].page.evaluate("() => snowplowBrowserTracking.flushBuffer({})")

        async def are_there() -> bool:
            found = await place.touchpoints()
            return all(len(found[name]) >= len(kinds) for name, kinds in _BROWSED.items())

        await eventually(are_there, within_seconds=90, what="everything is delivered")
        await asyncio.sleep(1)  # a second delivery would come now

    await place.check(_BROWSED)
