"""A real Chromium, and a page that notes everything that a user should never see in its console."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.parts import require

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass  # no slots: playwright notes its handlers on their owner
class Watched:
    """A page and what went wrong in it: errors of scripts, refusals of the content policy, requests to elsewhere."""

    page: Page
    site: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._on_console)
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A 401 or 503 that the page explains is no fault of the page.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:")):
            self.faults.append(f"asked elsewhere: {request.url}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium of the system, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require("chromium", "chromium"), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, *, width: int = 1360, height: int = 900, dark: bool = False) -> BrowserContext:
    """A fresh profile without cookies."""
    return browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
