"""The real clients of others for browsers, unmodified, in a real browser on another site than ingest is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, Request, async_playwright

from services.ingest.bootstrap import opened
from shared.access import WireProfile
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Touchpoint
from shared.database.engine import connect
from shared.identity_key import email_key
from shared.vocabulary import TopicName
from tests.e2e.browser import FLAGS
from tests.e2e.package_site import running_site
from tests.ingest_door import Keys, key_of, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.parts import require
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

_QUERY = "?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=G1"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_HEAD = '<!doctype html><html lang="en"><title>Pricing</title><script src="/packages/%s"></script><script>%s</script>'
_CALLS = """
    await %(name)s.page();
    await %(name)s.identify("u-browser", { email: "browser@example.com" });
    await %(name)s.track("Demo Requested", { product: "starter" });
    await %(name)s.track("Order Completed", { revenue: 129.5, currency: "EUR" });
    await %(name)s.group("acme", { plan: "team" });
"""
_SEGMENT = """
    window.start = async (address, writeKey) => {
        const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL: address });
        %s
    };
""" % (_CALLS % {"name": "analytics"})
_RUDDERSTACK = """
    window.start = async (address, writeKey, options) => {
        const analytics = new rudderanalytics.RudderAnalytics();
        analytics.load(writeKey, address, { configUrl: address, ...options });
        %s
        await analytics.alias("u-browser-2", "u-browser");
    };
""" % (_CALLS % {"name": "analytics"})
_POSTHOG = """
    window.start = async (address, writeKey, options) => {
        posthog.init(writeKey, { api_host: address, autocapture: false, opt_out_useragent_filter: true, ...options });
        await new Promise((seen) => posthog.on("eventCaptured", seen));
        posthog.identify("u-browser", { email: "browser@example.com" });
        posthog.capture("Demo Requested", { product: "starter" });
        posthog.capture("Order Completed", { revenue: 129.5, currency: "EUR" });
        posthog.group("company", "acme", { plan: "team" });
    };
"""
_PAGES = {
    "/segment": _HEAD % ("@segment/analytics-next/dist/umd/index.js", _SEGMENT),
    "/rudderstack": _HEAD % ("@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js", _RUDDERSTACK),
    "/posthog": _HEAD % ("posthog-js/dist/array.full.no-external.js", _POSTHOG),
    "/posthog-of-2024": _HEAD % ("posthog-js-of-2024/dist/array.full.no-external.js", _POSTHOG),
    "/elsewhere": "<!doctype html><title>Elsewhere</title>",
}
_WEEK = ["account_joined", "demo_requested", "identified", "order_completed", "page_viewed"]


@dataclass  # no slots: playwright notes its handlers on their owner
class Visit:
    """A page, what it sent to ingest, and what it asked of anybody else."""

    page: Page
    site: str
    ingest: str
    posts: list[str] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._on_request)
        self.page.on("response", lambda response: self.answers.append((response.url, response.status)))

    async def start(self, name: str, write_key: str, options: dict[str, object] | None = None) -> None:
        """Open the page of a client and let it make its calls."""
        await self.page.goto(f"{self.site}/{name}{_QUERY}", referer="https://www.google.com/")
        await self.page.evaluate("(given) => window.start(...given)", [self.ingest, write_key, options or {}])

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site, self.ingest)):
            self.strangers.append(request.url)
        elif request.method == "POST":
            self.posts.append(request.url.removeprefix(self.ingest).partition("?")[0])


@dataclass(frozen=True, slots=True)
class Shop:
    """An ingest with its keys, and where what it accepted can be read."""

    ingest: IngestProcess
    keys: Keys
    write: dict[WireProfile, str]
    admin_dsn: str

    async def touchpoints(self) -> list[Touchpoint]:
        """All on the log."""
        connection = await connect(self.admin_dsn)
        try:
            values = await read_log(connection, TopicName.TOUCHPOINTS)
        finally:
            await connection.close()
        return [decode_touchpoint(value) for value in values]

    async def wait_for(self, kinds: list[str]) -> dict[str, Touchpoint]:
        """The touchpoints, once there are as many as these: they must be of these kinds, each with an id of its own."""

        async def are_there() -> bool:
            return len(await self.touchpoints()) >= len(kinds)

        await eventually(are_there, within_seconds=30, what=f"{len(kinds)} touchpoints")
        found = await self.touchpoints()
        assert sorted(one.kind for one in found) == sorted(kinds)
        assert len({one.id for one in found}) == len(found)
        return {one.kind: one for one in found}


@pytest.fixture
async def keys(database: str) -> AsyncIterator[tuple[Keys, dict[WireProfile, str]]]:
    async with opened(settings_for(database)) as own:
        made = await make_keys(own)
        yield made, {profile: await key_of(own, made.workspace.id, profile) for profile in WireProfile}


@pytest.fixture
def shop(tmp_path: Path, database: str, admin_dsn: str, keys: tuple[Keys, dict[WireProfile, str]]) -> Iterator[Shop]:
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        yield Shop(running, *keys, admin_dsn)


@pytest.fixture
async def visit(shop: Shop) -> AsyncIterator[Visit]:
    with running_site(_PAGES) as site:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=require("chromium", "chromium"), args=list(FLAGS)
            )
            context = await browser.new_context(user_agent=_AGENT, locale="da-DK")
            visit = Visit(await context.new_page(), site, shop.ingest.address)
            yield visit
            await browser.close()
        assert visit.strangers == []
        assert [answer for answer in visit.answers if answer[1] not in {200, 204} and "favicon" not in answer[0]] == []


def _check_person(shop: Shop, week: dict[str, Touchpoint]) -> str:
    """That the visit is a person's; the anonymous key."""
    address = email_key(shop.keys.workspace.secret, "browser@example.com")
    user, *rest = week["identified"].keys
    assert (user, rest[0]) == ("5user_id:u-browser", address)
    assert week["demo_requested"].keys[0] == "5user_id:u-browser"
    assert week["account_joined"].account == "acme"
    assert week["order_completed"].value is not None
    seen = week["page_viewed"]
    assert seen.campaign is not None
    assert (seen.channel, seen.campaign.name, seen.campaign.click_id) == ("ads", "spring", "gclid:G1")
    assert (seen.device, seen.country) == ("desktop", "DK")
    assert rest[-1] in seen.keys
    return rest[-1]


async def test_segment_sends_every_call_once(shop: Shop, visit: Visit) -> None:
    await visit.start("segment", shop.write[WireProfile.SEGMENT])

    week = await shop.wait_for(_WEEK)

    assert sorted(visit.posts) == ["/v1/g", "/v1/i", "/v1/p", "/v1/t", "/v1/t"]
    assert _check_person(shop, week).startswith("1anonymous_id:")


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({}, {"/v1/page", "/v1/identify", "/v1/track", "/v1/group", "/v1/alias"}),
        ({"queueOptions": {"batch": {"enabled": True, "maxItems": 6, "flushInterval": 2_000}}}, {"/v1/batch"}),
        ({"useBeacon": True, "beaconQueueOptions": {"flushQueueInterval": 2_000}}, {"/beacon/v1/batch"}),
    ],
    ids=["one by one", "batches", "beacons"],
)
async def test_rudderstack_sends_every_call_once(
    shop: Shop, visit: Visit, options: dict[str, object], paths: set[str]
) -> None:
    await visit.start("rudderstack", shop.write[WireProfile.RUDDERSTACK], options)

    week = await shop.wait_for([*_WEEK, "aliased"])

    assert set(visit.posts) == paths
    assert len(visit.posts) == (1 if options else len([*_WEEK, "aliased"]))
    assert _check_person(shop, week).startswith("1anonymous_id:")
    assert (week["aliased"].keys[0], week["aliased"].previous) == ("5user_id:u-browser-2", "5user_id:u-browser")


@pytest.mark.parametrize(
    ("page", "options"),
    [("posthog", {}), ("posthog", {"disable_compression": True}), ("posthog-of-2024", {})],
    ids=["compressed", "plain", "of 2024"],
)
async def test_posthog_sends_every_event_once_and_the_last_by_beacon(
    shop: Shop, visit: Visit, page: str, options: dict[str, object]
) -> None:
    await visit.start(page, shop.write[WireProfile.POSTHOG], options)
    await shop.wait_for(_WEEK)
    await visit.page.goto(f"{visit.site}/elsewhere")

    week = await shop.wait_for([*_WEEK, "page_left"])

    assert {path for path in visit.posts if path not in {"/flags/", "/decide/"}} == {"/e/"}
    assert _check_person(shop, week).startswith("1anonymous_id:")
