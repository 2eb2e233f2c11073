"""What the pages about connecting tell a user to paste makes a lead of whoever is named in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import running_browser
from tests.e2e.documents import Example, examples_of, filled_in, run_example
from tests.e2e.instance import Instance, running_instance
from tests.e2e.package_site import running_site
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

_PERSON = re.compile(r"[\w.]+@[\w.]+\.example")
_IMPORT = re.compile(r'^import ({[^}]+}|\w+) from "[^"]+";$', re.MULTILINE)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_GLOBALS = ("AnalyticsNext", "rudderanalytics", "posthog", "snowplowBrowserTracking")
"""Under which a package's script is found in a page that has no bundler."""

_EXAMPLES = [
    pytest.param(example, id=f"{page.stem} {example.runner.partition(' ')[0]}")
    for page in sorted(Path("docs/connect").glob("*.md"))
    for example in examples_of(page)
]


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    package = Path(__file__).parent / "node_clients/node_modules/@segment/analytics-next/dist/umd"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INGEST_ANALYTICS_JS", str(package))
        with running_instance() as running:
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


def _run_in_page(browser: Browser, example: Example, instance: Instance) -> None:
    """Run it until everything is sent: markup as it stands, a module as if a bundler had put it together."""
    script, text = example.runner.partition(" ")[2], filled_in(example, instance)
    markup = f'<script src="/packages/{script}"></script>' if script else text
    with running_site({"/": f"<!doctype html><html><head><title>Shop</title>{markup}"}) as site:
        context = browser.new_context(user_agent=_AGENT)
        # A browser that says it is driven by a program is passed over by some clients.
        context.add_init_script("Object.defineProperty(navigator, 'webdriver', { get: () => false })")
        tab = context.new_page()
        tab.goto(site)
        if script:
            found = f"[{', '.join(f'globalThis.{name}' for name in _GLOBALS)}].find(Boolean)"
            code = _IMPORT.sub(lambda match: _bound(match[1], found), text)
            tab.add_script_tag(content=f"{{{code}}}")
        tab.wait_for_load_state("networkidle")
        tab.goto("about:blank")
        context.close()


def _bound(name: str, found: str) -> str:
    """The import as a global: members are taken from it, a default is it."""
    return f"const {name} = {found};" if name.startswith("{") else f"const {name}_ = {found};"


def test_there_are_pages_with_examples() -> None:
    assert len(_EXAMPLES) >= 10


@pytest.mark.parametrize("example", _EXAMPLES)
def test_what_a_page_says_to_paste_makes_its_lead(instance: Instance, browser: Browser, example: Example) -> None:
    people = _PERSON.findall(example.text)
    assert people

    if example.runner.startswith(("browser ", "page")):
        _run_in_page(browser, example, instance)
    else:
        run_example(example, instance)

    addresses = [f"{instance.scoring}/v1/leads/by/email/{person}" for person in people]
    wait_until(lambda: all(map(instance.read, addresses)), within_seconds=20, what=f"{people} are leads")
