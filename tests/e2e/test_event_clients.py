"""The real trackers of Snowplow and libraries of CloudEvents, unmodified: every event exactly once."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.async_api import async_playwright

from services.ingest.bootstrap import opened
from shared.clock import SECOND
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Money, Touchpoint
from shared.database.engine import connect
from shared.identity_key import email_key
from shared.vocabulary import TopicName
from tests.e2e.browser import FLAGS
from tests.e2e.package_site import running_site
from tests.e2e.visit import SNOWPLOW
from tests.ingest_door import Keys, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.parts import require
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

_HERE = Path(__file__).parent
_VISIT = {"page_viewed", "demo_requested", "order_completed", "form_submit"}
_MARCH = 1_772_366_400 * SECOND


@pytest.fixture
async def keys(database: str) -> AsyncIterator[Keys]:
    async with opened(settings_for(database)) as own:
        yield await make_keys(own)


@pytest.fixture
def ingest(tmp_path: Path, database: str, keys: Keys) -> Iterator[IngestProcess]:
    assert keys.write
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        yield running


async def _touchpoints(admin_dsn: str) -> dict[str, Touchpoint]:
    connection = await connect(admin_dsn)
    try:
        values = await read_log(connection, TopicName.TOUCHPOINTS)
    finally:
        await connection.close()
    touchpoints = [decode_touchpoint(value) for value in values]
    assert len({one.id for one in touchpoints}) == len({one.kind for one in touchpoints}) == len(touchpoints)
    return {one.kind: one for one in touchpoints}


async def _refused(admin_dsn: str) -> int:
    connection = await connect(admin_dsn)
    try:
        return len(await read_log(connection, TopicName.REJECTIONS))
    finally:
        await connection.close()


def _requests(ingest: IngestProcess, method: str) -> dict[str, float]:
    """How many were answered, by status."""
    told = httpx.get(f"{ingest.address}/telemetry").text
    begin = f'tragt_http_request_seconds_count{{method="{method}"'
    found: dict[str, float] = {}
    for line in told.splitlines():
        if line.startswith(begin) and ("/i" in line or "tp2" in line or "events" in line):
            status = line.partition('status="')[2].partition('"')[0]
            found[status] = found.get(status, 0) + float(line.rpartition(" ")[2])
    return found


async def _run(script: str, *arguments: str) -> None:
    require("node", "nodejs")
    runs = sys.executable if script.endswith(".py") else "node"
    running = await asyncio.create_subprocess_exec(
        runs, str(_HERE / script), *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(90):
        _, said = await running.communicate()
    assert running.returncode == 0, said


def _check_visit(visit: dict[str, Touchpoint], keys: Keys, name: str) -> None:
    user = f"5user_id:u-{name}"
    assert set(visit) == _VISIT
    assert {one.protocol for one in visit.values()} == {"snowplow"}
    seen = visit["page_viewed"]
    assert seen.keys[0] == user
    assert seen.keys[1].startswith("1anonymous_id:")
    assert (seen.channel, seen.country) == ("ads", "DK")
    assert seen.page is not None
    assert (seen.page.path, seen.page.title) == ("/pricing", "Pricing")
    assert msgspec.json.decode(seen.context)["entities"]["place"] == {"name": "Århus"}
    assert msgspec.json.decode(visit["demo_requested"].properties)["value"] == 3
    assert visit["order_completed"].value == Money("129.5", "EUR")
    assert email_key(keys.workspace.secret, f"{name}@example.com") in visit["form_submit"].keys


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("name", ["python", "node"])
async def test_tracker_of_a_server_delivers_every_event_once(
    ingest: IngestProcess, keys: Keys, admin_dsn: str, name: str, method: str
) -> None:
    script = {"python": "snowplow_python.py", "node": "node_clients/snowplow.mjs"}[name]

    await _run(script, ingest.address, keys.write, method)

    _check_visit(await _touchpoints(admin_dsn), keys, name)
    assert _requests(ingest, method.upper()) == {"200": 1 if method == "post" else len(_VISIT)}


async def test_event_in_an_address_may_be_as_long_as_trackers_make_it(
    ingest: IngestProcess, keys: Keys, admin_dsn: str
) -> None:
    place = {"schema": "iglu:com.acme/place/jsonschema/1-0-0", "data": {"name": "x" * 22_000}}
    contexts = {"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1", "data": [place]}
    coded = base64.urlsafe_b64encode(msgspec.json.encode(contexts)).decode()
    said = {"e": "pv", "uid": "u-1", "eid": "1", "aid": keys.write}

    async with httpx.AsyncClient(base_url=ingest.address) as client:
        taken = await client.get("/i", params={**said, "cx": coded})
        refused = await client.get("/i", params={**said, "cx": "x" * 60_000})

    assert (taken.status_code, refused.status_code) == (200, 431)
    assert set(await _touchpoints(admin_dsn)) == {"page_viewed"}


@pytest.mark.parametrize("method", ["post", "get"])
async def test_tracker_of_a_browser_delivers_every_event_once(
    ingest: IngestProcess, keys: Keys, admin_dsn: str, method: str
) -> None:
    statuses = await _browse(ingest, keys, admin_dsn, {"eventMethod": method}, expected=len(_VISIT))

    visit = await _touchpoints(admin_dsn)
    _check_visit(visit, keys, "browser")
    assert visit["page_viewed"].device == "desktop"
    assert statuses == [200] * (1 if method == "post" else len(_VISIT))


async def test_anonymous_browser_is_not_known_again(ingest: IngestProcess, keys: Keys, admin_dsn: str) -> None:
    """Without any id an event belongs to nobody, so it is kept as refused; the form says who it is."""
    options: dict[str, object] = {"anonymousTracking": {"withServerAnonymisation": True}}

    statuses = await _browse(ingest, keys, admin_dsn, options, expected=1)

    (form,) = (await _touchpoints(admin_dsn)).values()
    assert form.keys == (email_key(keys.workspace.secret, "browser@example.com"),)
    assert await _refused(admin_dsn) == len(_VISIT) - 1
    assert statuses == [200]


async def _browse(
    ingest: IngestProcess, keys: Keys, admin_dsn: str, options: dict[str, object], *, expected: int
) -> list[int]:
    """Let a browser make the visit; the statuses of what it was answered, preflights left out."""
    statuses: list[int] = []

    async def is_there() -> bool:
        return len(await _touchpoints(admin_dsn)) >= expected

    with running_site({"/pricing": SNOWPLOW}) as site:
        async with async_playwright() as playwright:
            executable = require("chromium", "chromium")
            browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
            context = await browser.new_context(locale="da-DK", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156")
            page = await context.new_page()
            page.on(
                "response",
                lambda answer: (
                    statuses.append(answer.status)
                    if answer.url.startswith(ingest.address) and answer.request.method != "OPTIONS"
                    else None
                ),
            )
            await page.goto(f"{site}/pricing?gclid=G1")
            await page.evaluate("(given) => window.start(...given)", [ingest.address, keys.write, options])
            await eventually(is_there, within_seconds=30, what="the events of the visit")
            await page.wait_for_timeout(500)  # a second delivery would come now
            await browser.close()
    return statuses


@pytest.mark.parametrize(
    ("script", "name", "kinds"),
    [
        (
            "cloudevents_python.py",
            "python",
            {"seen_in_binary", "seen_in_structure", "seen_by_old_binary", "seen_by_old_structure"},
        ),
        ("node_clients/cloudevents.mjs", "node", {"seen_in_binary", "seen_in_structure", "seen_in_batch"}),
    ],
    ids=["python", "node"],
)
async def test_library_of_cloudevents_is_understood_in_each_of_its_ways(
    ingest: IngestProcess, keys: Keys, admin_dsn: str, script: str, name: str, kinds: set[str]
) -> None:
    await _run(script, ingest.address, keys.secret)

    touchpoints = await _touchpoints(admin_dsn)
    person = (f"5user_id:u-{name}", email_key(keys.workspace.secret, f"{name}@example.com"))
    assert set(touchpoints) == kinds
    assert {one.keys for one in touchpoints.values()} == {person}
    assert touchpoints["seen_in_binary"].occurred_at == _MARCH
    assert msgspec.json.decode(touchpoints["seen_in_structure"].context)["cloudevent"]["subject"] == "u 1 €"
    assert _requests(ingest, "POST") == {"200": len(kinds)}
