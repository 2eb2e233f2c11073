"""A visit to a page that uses a client of others, in a real browser, on another site than ingest is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page, Request, async_playwright

from tests.e2e.browser import FLAGS
from tests.e2e.package_site import running_site
from tests.parts import require

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
_SEGMENT_OFTEN = """
    window.start = async (address, writeKey, { times }) => {
        const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL: address });
        for (let n = 0; n < times; n += 1) analytics.track("Video Played", { n });
    };
"""
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
SNOWPLOW = """<!doctype html><html lang="en"><title>Pricing</title>
<script src="/packages/@snowplow/browser-tracker/dist/index.umd.js"></script>
<script>
    window.start = (address, appId, options) => {
        const { newTracker, setUserId, trackPageView, trackStructEvent, trackSelfDescribingEvent } =
            snowplowBrowserTracking;
        newTracker("sp", address, { appId, bufferSize: 4, ...options });
        if (!options.anonymousTracking) setUserId("u-browser");
        const place = { schema: "iglu:com.acme/place/jsonschema/1-0-0", data: { name: "Århus" } };
        trackPageView({ context: [place] });
        trackStructEvent({ category: "demo", action: "requested", label: "starter", value: 3 });
        const described = (name, data) =>
            trackSelfDescribingEvent({ event: { schema: `iglu:com.acme/${name}/jsonschema/1-0-0`, data } });
        described("order_completed", { revenue: 129.5, currency: "EUR", order_id: "9" });
        described("form_submit", { email: "browser@example.com" });
    };
</script>"""
_PAGES = {
    "/segment": _HEAD % ("@segment/analytics-next/dist/umd/index.js", _SEGMENT),
    "/segment-often": _HEAD % ("@segment/analytics-next/dist/umd/index.js", _SEGMENT_OFTEN),
    "/rudderstack": _HEAD % ("@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js", _RUDDERSTACK),
    "/posthog": _HEAD % ("posthog-js/dist/array.full.no-external.js", _POSTHOG),
    "/posthog-of-2024": _HEAD % ("posthog-js-of-2024/dist/array.full.no-external.js", _POSTHOG),
    "/snowplow": SNOWPLOW,
    "/elsewhere": "<!doctype html><title>Elsewhere</title>",
}
WEEK = ["account_joined", "demo_requested", "identified", "order_completed", "page_viewed"]


@dataclass  # no slots: playwright notes its handlers on their owner
class Visit:
    """A page, what it sent to ingest and was answered, what it got no answer to, and what it asked of anybody else."""

    page: Page
    site: str
    ingest: str
    posts: list[str] = field(default_factory=list)
    answers: list[tuple[str, int]] = field(default_factory=list)
    failures: int = 0
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", self._on_failure)
        self.page.on("response", lambda response: self.answers.append((response.url, response.status)))

    async def start(self, name: str, write_key: str, options: dict[str, object] | None = None) -> None:
        """Open the page of a client and let it make its calls."""
        await self.page.goto(f"{self.site}/{name}{_QUERY}", referer="https://www.google.com/")
        await self.page.evaluate("(given) => window.start(...given)", [self.ingest, write_key, options or {}])

    def _on_failure(self, _request: Request) -> None:
        self.failures += 1

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site, self.ingest)):
            self.strangers.append(request.url)
        elif request.method == "POST":
            self.posts.append(request.url.removeprefix(self.ingest).partition("?")[0])


@dataclass(frozen=True, slots=True)
class Visits:
    """A browser, a site, and the ingest that the site's clients send to."""

    browser: Browser
    site: str
    ingest: str

    async def new(self) -> Visit:
        """A visitor who has not been here before."""
        context = await self.browser.new_context(user_agent=_AGENT, locale="da-DK")
        return Visit(await context.new_page(), self.site, self.ingest)


@asynccontextmanager
async def visiting(ingest: str) -> AsyncIterator[Visits]:
    """A browser in front of a site of its own."""
    with running_site(_PAGES) as site:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=require("chromium", "chromium"), args=list(FLAGS)
            )
            yield Visits(browser, site, ingest)
            await browser.close()
