"""Bots by what they call themselves; people by what browsers and apps do."""

from collections import Counter
from importlib import resources

import pytest
import yaml

from services.ingest.domain.bots import bot_of, names
from services.ingest.domain.device import software_of

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "googlebot"),
        (f"Mozilla/5.0 (Linux; Android 6.0.1) {_WEBKIT} Chrome/120 Mobile (compatible; Googlebot/2.1)", "googlebot"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/120.0.0.0 Safari/537.36", "headless"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebook_preview"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "slack_preview"),
        ("WhatsApp/2.23.20.0 A", "whatsapp_preview"),
        (f"Mozilla/5.0 {_WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot", "gptbot"),
        (f"Mozilla/5.0 {_WEBKIT}; compatible; ClaudeBot/1.0; +claudebot@anthropic.com", "claudebot"),
        ("python-requests/2.31.0", "python"),
        ("curl/8.4.0", "curl"),
        ("Go-http-client/1.1", "go"),
        ("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "uptimerobot"),
        ("SomethingNewBot/0.1", "crawler"),
        ("my-spider", "crawler"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/120 Safari/537.36", None),
        (f"Mozilla/5.0 (Linux; Android 9; CUBOT X19) {_WEBKIT} Chrome/120 Mobile Safari/537.36", None),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {_WEBKIT} Instagram 300.0", None),
        ("okhttp/4.12.0", None),
        ("MyShop/3 CFNetwork/1485 Darwin/23.1.0", None),
        ("analytics-python/2.4.0", None),
        ("", None),
    ],
)
def test_bot_is_known_by_its_name(agent: str, name: str | None) -> None:
    assert bot_of(agent) == name


def test_every_name_is_reached_by_its_own_words() -> None:
    assert {word: bot_of(word) for word in names()} == dict(names())


def test_no_word_is_listed_twice() -> None:
    text = (resources.files("services.ingest.domain") / "data" / "bots.yaml").read_text(encoding="utf-8")
    words = Counter(word for listed in yaml.safe_load(text).values() for word in listed)

    assert [word for word, times in words.items() if times > 1 or word != word.lower()] == []


@pytest.mark.parametrize(
    ("agent", "software"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/120.0.0.0 Safari/537.36", ("Chrome", "Windows")),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) {_WEBKIT} Version/17.0 Mobile/15E Safari/604.1",
            ("Mobile Safari", "iOS"),
        ),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0", ("Firefox", "Ubuntu")),
        ("nothing known", (None, None)),
        ("", (None, None)),
    ],
)
def test_browser_and_system_are_families(agent: str, software: tuple[str | None, str | None]) -> None:
    assert software_of(agent) == software
