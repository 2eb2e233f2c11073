"""The page in a real browser against real services, as a marketer and as a keyboard sees it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.browser import Watched, new_context, running_browser
from tests.e2e.instance import Instance, running_instance
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

PICTURES = Path(".cache/pictures")
STEPS = ("known", "mql", "sql", "opportunity", "customer")
WITHIN_MILLISECONDS = 15_000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An instance with the demo month and the cookie of a browser that was let in."""

    instance: Instance
    browser: Browser
    state: Path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def month(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedIn]:
    """The demo month, counted to the end."""
    folder = tmp_path_factory.mktemp("month")
    with running_instance() as instance:
        instance.command("demo")
        wait_until(lambda: is_counted(instance), within_seconds=120, what="the demo month is counted")
        context = new_context(browser)
        context.new_page().goto(instance.link)
        state = folder / "signed-in.json"
        context.storage_state(path=state)
        context.close()
        yield SignedIn(instance, browser, state)


@pytest.fixture
def watched(month: SignedIn) -> Iterator[Watched]:
    """A page that shows the funnel of the demo month; nothing may go wrong in it."""
    context = month.browser.new_context(storage_state=month.state, viewport={"width": 1360, "height": 900})
    watched = Watched(context.new_page(), month.instance.metrics)
    watched.page.goto(month.instance.metrics)
    expect(watched.page.locator("#plot .funnellayer .trace").first).to_be_visible(timeout=WITHIN_MILLISECONDS)
    yield watched
    context.close()
    assert watched.faults == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def is_counted(instance: Instance) -> bool:
    answer = instance.read(f"{instance.metrics}/v1/funnel")
    meta = answer["meta"]
    return bool(answer["steps"][0]["entered"] > 2_000 and meta["lag_seconds"] < 1 and not meta.get("stale_leads"))


def number(page: Page, step: str) -> int:
    """The count that the page shows for a step."""
    return count_in(page.locator(f'[data-step="{step}"] .number'))


def count_in(element: Locator) -> int:
    text = re.search(r"[\d,]+", element.inner_text())
    assert text is not None
    return int(text[0].replace(",", ""))


def all_leads(page: Page) -> list[str]:
    """Ids of all leads in the panel, after asking for more until there is no more."""
    more = page.get_by_role("button", name="Show more")
    expect(page.locator(".leads li").first).to_be_visible(timeout=WITHIN_MILLISECONDS)
    while more.count():
        shown = page.locator(".leads li").count()
        more.click()
        expect(page.locator(".leads li")).not_to_have_count(shown, timeout=WITHIN_MILLISECONDS)
    return [str(item.get_attribute("data-lead")) for item in page.locator(".leads li").all()]


def test_the_funnel_is_drawn_with_the_numbers_of_the_service(month: SignedIn, page: Page) -> None:
    answer = month.instance.read(f"{month.instance.metrics}/v1/funnel?by=channel")
    entered = {step["step"]: step["entered"] for step in answer["steps"]}

    for step in STEPS:
        assert number(page, step) == entered[step]

    channels = [group for group in answer["groups"] if group["steps"][0]["entered"]]
    assert page.locator("#plot .funnellayer .trace").count() == len(channels) > 8
    assert page.locator("#table tbody tr").count() == len(channels)
    expect(page.locator('[data-step="mql"]')).to_contain_text(re.compile(r"\d+\.\d–\d+\.\d %"))
    expect(page.locator('[data-step="mql"]')).to_contain_text("Median time")
    expect(page.locator("#fresh-text")).to_have_text(re.compile("^Live"))


def test_a_click_on_a_bar_shows_just_its_leads(month: SignedIn, page: Page) -> None:
    page.locator(".channel", has_text="Referral").click()
    expect(page.locator("#plot-title")).to_have_text("Referral")
    expected = number(page, "sql")

    bar = page.locator("#plot .funnellayer .trace .point").nth(STEPS.index("sql")).bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)

    expect(page.locator("#panel-title")).to_have_text("SQL · Referral")
    leads = all_leads(page)
    assert len(leads) == len(set(leads)) == expected > 20
    assert count_in(page.locator("#panel-hint")) == expected
    lead = month.instance.read(f"{month.instance.scoring}/v1/leads/{leads[0]}")
    expect(page.locator(f'[data-lead="{leads[0]}"] .status')).to_have_text(re.compile(lead["status"], re.IGNORECASE))


def test_a_posted_touchpoint_moves_the_page_without_reload(month: SignedIn, page: Page) -> None:
    page.evaluate("window.untouched = true")
    before = {step: number(page, step) for step in STEPS}

    month.instance.post(
        {"kind": "page_viewed", "channel": "referral", "identity": {"anonymous_id": "live-1"}},
        {
            "kind": "demo_requested",
            "channel": "web",
            "identity": {"anonymous_id": "live-1", "email": "live@now.example"},
        },
    )

    expect(page.locator('[data-step="sql"] .number')).to_have_text(
        f"{before['sql'] + 1:,}", timeout=WITHIN_MILLISECONDS
    )
    assert number(page, "known") == before["known"] + 1
    assert number(page, "opportunity") == before["opportunity"]
    assert page.evaluate("window.untouched") is True


def test_keys_alone_open_and_close_the_leads_and_choose_a_channel(page: Page) -> None:
    page.locator('[data-step="customer"] .number').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.key") == "step customer"

    page.locator(".channel input").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#plot-title")).not_to_have_text("All channels")
    assert page.evaluate("document.activeElement.name") == "channel"


def test_every_control_and_picture_has_a_name(page: Page) -> None:
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, a, [role=img]")]
             .filter((one) => !(one.getAttribute("aria-label") || (one.labels?.[0] ?? one).textContent.trim()))
             .map((one) => one.outerHTML)"""
    )

    assert nameless == []
    assert page.locator("h1").count() == 1


def test_a_shorter_period_has_fewer_leads(page: Page) -> None:
    before = number(page, "known")

    page.get_by_label("7 days").check()

    expect(page.locator('[data-step="known"] .number')).not_to_have_text(f"{before:,}", timeout=WITHIN_MILLISECONDS)
    assert 0 < number(page, "known") < before


def test_the_moves_of_the_period_can_be_counted_instead(page: Page) -> None:
    page.get_by_label("Period", exact=True).check()

    expect(page.locator("#subtitle")).to_contain_text("Moves made", timeout=WITHIN_MILLISECONDS)
    expect(page.locator('[data-step="mql"] dd').last).to_have_text("–")
    assert number(page, "known") > 0


def test_moves_of_the_period_have_no_interval_and_do_not_say_that_there_are_none(page: Page) -> None:
    steps = page.locator("#steps")
    expect(steps.get_by_role("img").first).to_be_visible()

    page.get_by_label("Period", exact=True).check()

    expect(steps.get_by_role("img")).to_have_count(0)
    expect(steps.get_by_text("no leads yet")).to_have_count(0)
    expect(steps.get_by_text("of Known")).to_be_visible()


def test_what_is_shown_stands_in_the_address(page: Page) -> None:
    page.get_by_label("7 days").check()
    page.get_by_label("Period", exact=True).check()
    page.locator('.channel input[value="search"]').check()
    expect(page.locator("#plot-title")).to_have_text("Search")

    page.reload()

    expect(page.locator("#plot-title")).to_have_text("Search")
    expect(page.locator("#subtitle")).to_contain_text("Moves made", timeout=WITHIN_MILLISECONDS)
    expect(page.get_by_label("7 days")).to_be_checked()
    expect(page.get_by_label("Period", exact=True)).to_be_checked()


def test_without_the_link_the_page_says_how_to_sign_in(month: SignedIn) -> None:
    page = new_context(month.browser).new_page()

    page.goto(month.instance.metrics)

    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible(timeout=WITHIN_MILLISECONDS)
    expect(page.locator("#content")).to_be_hidden()
    expect(page.locator("#fresh-text")).to_have_text("Signed out")
    page.context.close()


def test_the_link_works_once(month: SignedIn) -> None:
    page = new_context(month.browser).new_page()

    page.goto(month.instance.link)

    expect(page.get_by_role("heading", name="Please sign in")).to_be_visible(timeout=WITHIN_MILLISECONDS)
    assert page.context.cookies() == []
    page.context.close()


def test_the_page_fits_narrow_and_dark_screens(month: SignedIn) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, width, dark in (("light", 1360, False), ("dark", 1360, True), ("narrow", 360, False)):
        context = month.browser.new_context(
            storage_state=month.state,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        page = shown(context, month.instance)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        context.close()


def test_the_funnel_fits_its_card_when_the_window_becomes_another(page: Page) -> None:
    fits = """(width) => {
      const plot = document.querySelector("#plot");
      const drawn = plot.querySelector(".main-svg");
      const isAs = (side) => Math.abs(drawn[side] - plot[side]) < 2;
      const isNarrow = innerWidth === width && document.documentElement.scrollWidth <= width;
      return isNarrow && isAs("clientHeight") && isAs("clientWidth");
    }"""
    for width in (390, 1360, 700, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(fits, arg=width, timeout=WITHIN_MILLISECONDS)


def test_the_picture_of_the_readme_can_be_made_anew(month: SignedIn) -> None:
    """It is kept as docs/images/funnel.png; copy it from .cache/pictures when the page has changed."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    context = month.browser.new_context(
        storage_state=month.state, viewport={"width": 1360, "height": 970}, device_scale_factor=1.5
    )
    page = shown(context, month.instance)

    picture = page.screenshot(path=PICTURES / "funnel.png")

    assert len(picture) < 1_000_000
    context.close()


def shown(context: BrowserContext, instance: Instance) -> Page:
    page = context.new_page()
    page.goto(instance.metrics)
    expect(page.locator("#plot .funnellayer .trace").first).to_be_visible(timeout=WITHIN_MILLISECONDS)
    page.wait_for_function("document.fonts.status === 'loaded'")
    return page


def test_an_empty_workspace_invites_and_then_shows_the_first_lead(browser: Browser) -> None:
    with running_instance() as instance:
        watched = Watched(new_context(browser).new_page(), instance.metrics)
        watched.page.goto(instance.link)
        expect(watched.page.get_by_role("heading", name="No leads in this period yet")).to_be_visible(
            timeout=WITHIN_MILLISECONDS
        )

        instance.post({"kind": "demo_requested", "channel": "web", "identity": {"email": "ada@first.example"}})

        expect(watched.page.locator('[data-step="sql"] .number')).to_have_text("1", timeout=WITHIN_MILLISECONDS)
        watched.page.context.close()
        assert watched.faults == []
