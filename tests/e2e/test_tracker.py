"""The tracker in a real browser, on a site under a strict policy, against a real instance."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.browser import new_context, running_browser
from tests.e2e.instance import Instance, running_instance
from tests.e2e.site import Site, running_site
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

PICTURES = Path(".cache/pictures")
CHROME = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
"""A headless browser calls itself a machine, and machines are not joined to anybody."""

CORS = {"access-control-allow-origin": "*"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with running_instance() as running:
        yield running


@pytest.fixture(scope="module")
def site(instance: Instance) -> Iterator[Site]:
    with running_site(instance.ingest, instance.write_key) as running:
        yield running


@dataclass
class Visitor:
    """A browser of its own, what its tracker has sent, and what went wrong on the page."""

    context: BrowserContext
    page: Page
    instance: Instance
    site: Site
    sent: list[dict[str, Any]]
    faults: list[str]

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site.address}{path}")
        self.wait_for("page_viewed")

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The touchpoints of that kind, once there are so many."""
        wait_until(lambda: self._is_sent(kind, count), within_seconds=10, what=f"{count} {kind}")
        return self.of(kind)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.sent if one["kind"] == kind]

    def pages(self, count: int) -> list[dict[str, Any]]:
        """So many pages, each once: what one left without having heard the answer, the next sends again, by its id."""

        def seen() -> list[dict[str, Any]]:
            return list({one["id"]: one for one in self.of("page_viewed")}.values())

        wait_until(
            lambda: self._is_sent("page_viewed", count) and len(seen()) >= count,
            within_seconds=10,
            what=f"{count} pages",
        )
        return seen()

    def call(self, *arguments: Any) -> None:
        self.page.evaluate("(given) => window.tragt(...given)", list(arguments))

    def kept(self) -> list[str]:
        """Names of everything that the site's origin has put on the device."""
        stored = self.page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
        return sorted([*stored, *(cookie["name"] for cookie in self.context.cookies())])

    def journey(self, anonymous_id: str) -> list[dict[str, Any]]:
        """What scoring knows of that visitor."""
        lead = self.instance.read(f"{self.instance.scoring}/v1/leads/by/anonymous_id/{anonymous_id}")
        if lead is None:
            return []
        address = f"{self.instance.scoring}/v1/leads/{lead['lead_id']}/touchpoints?limit=100"
        found: list[dict[str, Any]] = self.instance.read(address)["data"]
        return found

    def known(self, anonymous_id: str, kind: str) -> list[dict[str, Any]]:
        """What of that kind has arrived, the latest first."""
        return [one for one in self.journey(anonymous_id) if one["kind"] == kind]

    def wait_for_known(self, anonymous_id: str, kind: str, count: int = 1) -> None:
        """Until so many of that kind have arrived; playwright does not show what a beacon holds."""
        what = f"{count} {kind} known"
        wait_until(lambda: len(self.known(anonymous_id, kind)) >= count, within_seconds=20, what=what)

    def _is_sent(self, kind: str, count: int) -> bool:
        self.page.evaluate("0")  # playwright hears of requests only while it is asked something
        return len(self.of(kind)) >= count


@pytest.fixture
def visitor(browser: Browser, instance: Instance, site: Site) -> Iterator[Visitor]:
    with_context = new_context(browser)
    yield from _visiting(with_context, instance, site)


def _visiting(context: BrowserContext, instance: Instance, site: Site) -> Iterator[Visitor]:
    visitor = Visitor(context, context.new_page(), instance, site, [], [])

    def note(request: Any) -> None:
        if "/v1/touchpoints" in request.url and request.post_data:
            visitor.sent += msgspec.json.decode(request.post_data)["touchpoints"]

    context.on("request", note)
    visitor.page.on("pageerror", lambda error: visitor.faults.append(str(error)))
    visitor.page.on(
        "console", lambda said: visitor.faults.append(said.text) if "Content Security" in said.text else None
    )
    yield visitor
    context.close()
    assert visitor.faults == []


def device_of(sent: dict[str, Any]) -> str:
    return str(sent["identity"]["anonymous_id"])


def test_page_view_arrives_under_a_strict_policy(visitor: Visitor) -> None:
    visitor.open("/?utm_source=news&gclid=g1&email=ann@example.com#top")

    (viewed,) = visitor.of("page_viewed")
    assert viewed["page"] == {
        "url": f"{visitor.site.address}/?utm_source=news&gclid=g1",
        "path": "/",
        "title": "Page /",
        "referrer": "",
    }
    assert viewed["campaign"] == {"source": "news", "click_id": "gclid:g1"}
    wait_until(lambda: len(visitor.journey(device_of(viewed))) == 1, within_seconds=20, what="the lead is there")
    (known,) = visitor.journey(device_of(viewed))
    assert known["id"] == viewed["id"]


def test_nothing_is_kept_until_it_is_allowed_and_only_the_decision_after_it_is_denied(visitor: Visitor) -> None:
    visitor.open("/?utm_source=news")
    visitor.page.reload()
    first, second = visitor.wait_for("page_viewed", 2)
    assert visitor.kept() == []
    assert device_of(first) != device_of(second)

    visitor.call("consent", {"analytics": True, "marketing": False})
    (told,) = visitor.wait_for("consent_changed")
    assert told["consent"] == {"analytics": "granted", "marketing": "denied"}
    assert visitor.kept() == ["tragt", "tragt.visit"]

    visitor.page.goto(f"{visitor.site.address}/pricing")
    third = visitor.pages(3)[2]
    assert device_of(third) == device_of(second)
    assert third["consent"] == told["consent"]

    visitor.call("consent", {"analytics": "denied"})
    denial = _denial(visitor)
    assert denial.keys() == {"id", "kind", "occurred_at", "sent_at", "identity", "consent"}
    assert (denial["identity"], denial["consent"]["analytics"]) == ({"anonymous_id": device_of(third)}, "denied")
    assert visitor.kept() == ["tragt.consent"]
    visitor.page.locator("#plain").click()
    _is_silent(visitor, "/", "/pricing", "/allowed")
    assert visitor.kept() == ["tragt.consent"]


def _denial(visitor: Visitor) -> dict[str, Any]:
    """The first decision that denies; those before it may have been sent again from the page before."""

    def denials() -> list[dict[str, Any]]:
        visitor.wait_for("consent_changed")
        return [one for one in visitor.of("consent_changed") if one["consent"].get("analytics") == "denied"]

    wait_until(lambda: bool(denials()), within_seconds=10, what="the denial is sent")
    return denials()[0]


def _is_silent(visitor: Visitor, *paths: str) -> None:
    """Nothing is told on those pages, where the banner denies again and something is clicked."""
    before = len(visitor.sent)
    for path in paths:
        visitor.page.goto(f"{visitor.site.address}{path}")
        visitor.call("consent", {"analytics": False})
        visitor.page.locator("#plain").click()
        visitor.page.wait_for_timeout(600)
    assert visitor.sent[before:] == []


def test_a_denial_holds_against_the_site_s_own_word_until_the_visitor_decides_otherwise(visitor: Visitor) -> None:
    visitor.open("/allowed")
    visitor.call("consent", {"analytics": False, "marketing": False})
    _denial(visitor)
    _is_silent(visitor, "/allowed/next")
    assert visitor.kept() == ["tragt.consent"]

    visitor.call("consent", {"analytics": True})
    told = visitor.wait_for("consent_changed", 2)[1]
    assert told["consent"] == {"analytics": "granted", "marketing": "denied"}
    assert visitor.kept() == ["tragt", "tragt.visit"]
    visitor.page.goto(f"{visitor.site.address}/allowed/third")
    third = visitor.pages(2)[1]
    assert (third["page"]["path"], third["consent"]) == ("/allowed/third", told["consent"])
    assert device_of(third) == device_of(told) != device_of(visitor.sent[0])


def test_a_denial_by_somebody_unknown_is_remembered_and_not_told(visitor: Visitor) -> None:
    visitor.open("/")
    _is_silent(visitor, "/")  # denies at once, before even the page was told of
    assert visitor.kept() == ["tragt.consent"]
    _is_silent(visitor, "/pricing", "/allowed")


def test_a_denial_in_one_tab_holds_in_another_that_is_open(visitor: Visitor) -> None:
    visitor.open("/allowed")
    another = visitor.context.new_page()
    another.goto(f"{visitor.site.address}/allowed/other")
    visitor.pages(2)
    another.evaluate("tragt('consent', {analytics: false})")
    visitor.wait_for("consent_changed")
    another.close()

    visitor.page.locator("#plain").click()
    visitor.page.wait_for_timeout(600)
    assert visitor.of("button_clicked") == []
    assert visitor.kept() == ["tragt.consent"]


def test_what_came_before_consent_is_told_again_by_the_same_id(visitor: Visitor) -> None:
    """Where consent is required the landing page, with its campaign, was refused."""
    visitor.open("/?utm_source=news")
    visitor.page.locator("#plain").click()
    visitor.wait_for("button_clicked")
    assert all(one["consent"] == {} for one in visitor.sent)
    visitor.call("consent", {"analytics": True})
    visitor.wait_for("consent_changed")

    for kind in ("page_viewed", "button_clicked"):
        first, second = visitor.wait_for(kind, 2)
        assert second["consent"] == {"analytics": "granted"}
        same = ("id", "occurred_at", "identity", "page", "campaign")
        assert [first[name] for name in same] == [second[name] for name in same]
    visitor.wait_for_known(device_of(visitor.sent[0]), "consent_changed")
    known = [one["kind"] for one in visitor.journey(device_of(visitor.sent[0]))]
    assert sorted(known) == ["button_clicked", "consent_changed", "page_viewed"]


def test_a_landing_page_refused_for_want_of_consent_arrives_with_it(visitor: Visitor) -> None:
    address = f"{visitor.instance.ingest}/v1/policy"
    headers = {"Authorization": f"Bearer {visitor.instance.secret_key}"}

    def is_refused() -> bool:
        answer = httpx.post(
            f"{visitor.instance.ingest}/v1/touchpoints?write_key={visitor.instance.write_key}",
            json={"touchpoints": [{"kind": "page_viewed", "identity": {"anonymous_id": "asked"}}]},
        )
        return "consent_denied" in answer.text

    try:
        assert httpx.put(address, json={"consent": {"default": "required"}}, headers=headers).is_success
        wait_until(is_refused, within_seconds=10, what="consent is required")
        visitor.open("/?utm_source=news")
        visitor.page.wait_for_timeout(1_000)
        assert visitor.journey(device_of(visitor.sent[0])) == []

        visitor.call("consent", {"analytics": True})
        visitor.wait_for_known(device_of(visitor.sent[0]), "page_viewed")
        (viewed,) = visitor.known(device_of(visitor.sent[0]), "page_viewed")
        assert viewed["campaign"]["source"] == "news"
    finally:
        assert httpx.put(address, json={}, headers=headers).is_success


def test_a_banner_that_answers_at_once_lets_the_page_be_told_once_with_consent(visitor: Visitor) -> None:
    held: list[Route] = []
    visitor.context.route("**/t.js", lambda route: held.append(route))  # noqa: PLW0108 -- playwright marks its handlers
    visitor.page.goto(f"{visitor.site.address}/", wait_until="commit")
    wait_until(lambda: bool(visitor.page.evaluate("!!window.tragt")), within_seconds=10, what="the stub is there")
    visitor.call("consent", {"analytics": True})
    held[0].continue_()
    visitor.wait_for("consent_changed")

    (viewed,) = visitor.of("page_viewed")
    assert viewed["consent"] == {"analytics": "granted"}


def test_a_browser_without_storage_has_no_faults(browser: Browser, instance: Instance, site: Site) -> None:
    context = new_context(browser)
    closed = "{get() { throw new DOMException('closed', 'SecurityError') }}"
    context.add_init_script(f"Object.defineProperty(window, 'localStorage', {closed})")
    for visitor in _visiting(context, instance, site):
        visitor.open("/allowed")
        assert [cookie["name"] for cookie in context.cookies()] == ["tragt"]
        visitor.call("consent", {"analytics": False})
        visitor.wait_for("consent_changed")
        assert context.cookies() == []
        visitor.page.locator("#plain").click()
        visitor.page.wait_for_timeout(600)
        assert visitor.of("button_clicked") == []


def test_without_a_key_the_console_says_so_once_and_nothing_is_sent(browser: Browser, site: Site) -> None:
    context = new_context(browser)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site.address}/keyless")
    page.locator("#plain").click()
    page.wait_for_timeout(600)

    assert said == ["tragt: data-key is missing"]
    assert [url for url in asked if "/v1/" in url] == []
    assert context.cookies() == []
    context.close()


def test_campaign_is_kept_for_the_visit(visitor: Visitor) -> None:
    visitor.open("/allowed?utm_source=news&utm_medium=email&utm_campaign=may")
    campaign = {"source": "news", "medium": "email", "name": "may"}

    visitor.page.goto(f"{visitor.site.address}/allowed/next")
    visitor.pages(2)
    another = visitor.context.new_page()
    another.goto(f"{visitor.site.address}/allowed/third")
    visitor.pages(3)
    another.goto(f"{visitor.site.address}/allowed/fourth?utm_source=ads")
    viewed = visitor.pages(4)

    assert [one["campaign"] for one in viewed] == [campaign, campaign, campaign, {"source": "ads"}]
    another.evaluate(
        "localStorage['tragt.visit'] = JSON.stringify({at: Date.now() - 31 * 60000, campaign: {source: 'x'}})"
    )
    another.goto(f"{visitor.site.address}/allowed/fifth")
    assert "campaign" not in visitor.pages(5)[4]


def test_single_page_application_tells_of_each_of_its_pages(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.page.evaluate("history.pushState({}, '', '/a?tab=1'); document.title = 'A'")
    visitor.wait_for("page_viewed", 2)
    moves = ("pushState({}, '', '/a?tab=2')", "replaceState({}, '', '/b')", "pushState({}, '', '/c#/deep')")
    visitor.page.evaluate("; ".join(f"history.{move}" for move in moves))  # at once: only where they end is a page
    visitor.wait_for("page_viewed", 3)
    visitor.page.go_back()
    viewed = visitor.wait_for("page_viewed", 4)

    assert [one["page"]["url"].removeprefix(visitor.site.address) for one in viewed] == ["/", "/a", "/c#/deep", "/b"]
    assert viewed[1]["page"]["title"] == "A"
    assert viewed[1]["page"]["referrer"] == viewed[0]["page"]["url"]


def test_clicks_are_told_without_what_may_name_a_person(visitor: Visitor) -> None:
    visitor.open("/")
    for element in ("#plain", "#demo", "#out"):
        visitor.page.locator(element).click()
    visitor.wait_for("link_clicked")
    visitor.page.locator("#own").click()  # the page goes at once, so a beacon tells of it
    visitor.wait_for("page_viewed", 2)

    assert [one["properties"] for one in visitor.of("button_clicked")] == [{"text": "Just a button"}]
    assert [one["properties"] for one in visitor.of("demo_requested")] == [{"text": "Ask for a demo"}]
    partner = {"text": "Partner", "link_url": "https://partner.example/x", "outbound": True}
    pricing = {"text": "Pricing", "link_url": f"{visitor.site.address}/pricing", "outbound": False}
    first = device_of(visitor.sent[0])
    visitor.wait_for_known(first, "link_clicked", 2)
    assert [one["properties"] for one in visitor.known(first, "link_clicked")] == [pricing, partner]


def fill_in(visitor: Visitor) -> None:
    for name, value in {
        "first_name": "Ann",
        "user[email]": " ann.form@example.com",
        "phone": "4111 1111 1111 1111",
        "company": "Acme",
        "password": "s3cret",
        "card-number": "4111111111111111",
        "name": "ANN B",
        "message": "private",
    }.items():
        visitor.page.locator(f"[name='{name}']").fill(value)
    visitor.page.locator("#send").click()


def test_form_names_the_person_only_when_that_is_allowed(visitor: Visitor) -> None:
    visitor.open("/")
    fill_in(visitor)
    visitor.wait_for("page_viewed", 2)

    first = device_of(visitor.sent[0])
    visitor.wait_for_known(first, "form_submitted")
    (told,) = visitor.known(first, "form_submitted")
    assert (told["properties"], told.get("traits")) == ({"form": "contact"}, {})
    assert _lead(visitor.instance, f"anonymous_id/{first}")["status"] == "anonymous"


def test_form_reads_who_it_is_and_never_secrets(visitor: Visitor) -> None:
    visitor.open("/allowed")
    fill_in(visitor)

    def lead() -> Any:
        return _lead(visitor.instance, "email/ann.form@example.com")

    wait_until(lambda: bool(lead().get("traits")), within_seconds=20, what="the person is known by the form")
    assert lead()["traits"] == {"first_name": "Ann", "email": "ann.form@example.com", "company": "Acme"}
    assert lead()["status"] == "known"
    assert len(visitor.journey(device_of(visitor.sent[0]))) > 1


@pytest.mark.parametrize(("path", "profiling"), [("/", None), ("/allowed", False), ("/allowed", None)])
def test_form_of_others_says_which_browser_sent_it_where_that_is_allowed(
    visitor: Visitor, path: str, profiling: bool | None
) -> None:
    visitor.open(path)
    if profiling is not None:
        visitor.call("consent", {"profiling": profiling})
    with visitor.page.expect_request("**/thanks") as sent:
        visitor.page.locator("#send").click()
    field = dict(parse_qsl(sent.value.post_data or "", keep_blank_values=True))["tragt"]

    is_allowed = (path, profiling) == ("/allowed", None)
    assert field == (device_of(visitor.sent[0]) if is_allowed else "")
    if is_allowed:
        address = re.search(r"/v1/hooks/unbounce/\S+", visitor.instance.command("hooks", "create", "unbounce"))
        assert address is not None
        form = {"email": "joined.form@example.com", "tragt": field}
        hook = f"{visitor.instance.ingest}{address[0]}"
        wait_until(
            lambda: httpx.post(hook, json=form).status_code == httpx.codes.OK,
            within_seconds=20,
            what="the new hook is known",
        )
        wait_until(
            lambda: {"page_viewed", "form_submitted"} <= {one["kind"] for one in _journey(visitor.instance)},
            within_seconds=20,
            what="the visit is the lead's of the form",
        )


def _journey(instance: Instance) -> list[dict[str, Any]]:
    lead = _lead(instance, "email/joined.form@example.com")
    if not lead:
        return []
    found: list[dict[str, Any]] = instance.read(f"{instance.scoring}/v1/leads/{lead['lead_id']}/touchpoints")["data"]
    return found


def _lead(instance: Instance, key: str) -> Any:
    return instance.read(f"{instance.scoring}/v1/leads/by/{key}") or {}


def test_what_the_page_calls_before_the_tracker_is_there_is_told_too(visitor: Visitor) -> None:
    held: list[Route] = []
    visitor.context.route("**/t.js", lambda route: held.append(route))  # noqa: PLW0108 -- playwright marks its handlers
    visitor.page.goto(f"{visitor.site.address}/allowed", wait_until="commit")
    wait_until(lambda: bool(visitor.page.evaluate("!!window.tragt")), within_seconds=10, what="the stub is there")
    visitor.call("track", "Video Played", {"title": "T"})  # as callers of Segment have it
    assert visitor.sent == []
    held[0].continue_()

    (played,) = visitor.wait_for("video_played")
    assert played["properties"] == {"title": "T"}


def test_identify_waits_until_it_is_allowed(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.call("identify", {"user_id": "u-tracked", "email": "u@tracked.example", "plan": "pro"})
    visitor.call("track", "order_completed", {"order": "1"}, {"value": {"amount": "129.00", "currency": "EUR"}})
    visitor.wait_for("order_completed")
    assert visitor.of("identified") == []

    visitor.call("consent", {"analytics": True})
    (told,) = visitor.wait_for("identified")
    assert told["identity"]["user_id"] == "u-tracked"
    assert told["traits"] == {"email": "u@tracked.example", "plan": "pro"}
    wait_until(
        lambda: _lead(visitor.instance, "user_id/u-tracked").get("status") == "customer",
        within_seconds=20,
        what="one lead of both",
    )


def test_global_privacy_control_is_obeyed(browser: Browser, instance: Instance, site: Site) -> None:
    context = new_context(browser)
    context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    for visitor in _visiting(context, instance, site):
        visitor.open("/allowed")
        assert visitor.kept() == []
        (viewed,) = visitor.of("page_viewed")
        assert viewed["consent"] == {"profiling": "denied", "marketing": "denied"}


def test_engagement_is_told_when_the_page_goes(visitor: Visitor) -> None:
    visitor.open("/")
    (viewed,) = visitor.of("page_viewed")
    visitor.page.mouse.wheel(0, 1500)
    visitor.page.wait_for_timeout(2_300)
    visitor.page.close()

    visitor.wait_for_known(device_of(viewed), "page_engaged")
    (told,) = visitor.known(device_of(viewed), "page_engaged")
    assert told["properties"]["seconds"] in {2, 3}
    assert 30 < told["properties"]["scroll"] < 70


def failing(times: int, status: int = 503) -> Callable[[Route], None]:
    """Answers so often with a failure, and lets through what comes then."""
    left = [status] * times

    def handle(route: Route) -> None:
        if left:
            route.fulfill(status=left.pop(), headers=CORS)
        else:
            route.continue_()

    return handle


@pytest.mark.parametrize("status", [503, 429])
def test_what_fails_twice_arrives_once(visitor: Visitor, status: int) -> None:
    visitor.context.route("**/v1/touchpoints*", failing(2, status))
    visitor.open("/")
    attempts = visitor.wait_for("page_viewed", 3)

    assert len({one["id"] for one in attempts}) == 1
    wait_until(lambda: len(visitor.journey(device_of(attempts[0]))) == 1, within_seconds=20, what="it arrives once")


def test_what_no_page_could_deliver_is_delivered_by_the_next(visitor: Visitor) -> None:
    visitor.context.route("**/v1/touchpoints*", lambda route: route.abort())
    visitor.open("/allowed")
    visitor.page.goto(f"{visitor.site.address}/site.css")
    assert "tragt.queue" in visitor.kept()

    visitor.context.unroute("**/v1/touchpoints*")
    visitor.page.goto(f"{visitor.site.address}/allowed/next")
    wait_until(
        lambda: len(visitor.journey(device_of(visitor.sent[0]))) == 2, within_seconds=20, what="both pages are known"
    )


def test_a_refusal_is_not_tried_again(visitor: Visitor) -> None:
    visitor.context.route("**/v1/touchpoints*", failing(1, 403))
    visitor.open("/")
    visitor.page.wait_for_timeout(2_500)

    assert len(visitor.of("page_viewed")) == 1


def test_click_in_a_mail_brings_its_reader(browser: Browser, instance: Instance, site: Site) -> None:
    """From the mail's link to one lead, with nothing of it left in the address bar."""
    for visitor in _visiting(browser.new_context(user_agent=CHROME), instance, site):
        read_mail(visitor)


def read_mail(visitor: Visitor) -> None:
    link = visitor.instance.command(
        *("links", "sign", f"{visitor.site.address}/allowed?utm_source=news"),
        *("--email", "reader@example.com", "--id", "m-1"),
    )
    visitor.page.goto(link.strip())
    (viewed,) = visitor.wait_for("page_viewed")

    assert visitor.page.url == f"{visitor.site.address}/allowed?utm_source=news"
    assert "tragt=" not in viewed["page"]["url"]
    wait_until(
        lambda: {"email_link_clicked", "page_viewed"} <= {one["kind"] for one in visitor.journey(device_of(viewed))},
        within_seconds=20,
        what="mail and visit are one lead's",
    )
    assert _lead(visitor.instance, "email/reader@example.com")["status"] == "known"


def test_the_demo_page_looks_right(visitor: Visitor) -> None:
    visitor.open("/allowed")
    expect(visitor.page.locator("h1")).to_have_text("Page /allowed")
    PICTURES.mkdir(parents=True, exist_ok=True)
    visitor.page.screenshot(path=PICTURES / "tracker-site.png")


def test_script_is_served_for_every_site(instance: Instance) -> None:
    answer = httpx.get(f"{instance.ingest}/t.js", headers={"accept-encoding": "gzip"})
    again = httpx.get(f"{instance.ingest}/t.js", headers={"if-none-match": answer.headers["etag"]})

    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert int(answer.headers["content-length"]) < 3_000
    assert (again.status_code, again.content) == (304, b"")
