import pytest

from services.ingest.domain.machine import machine_of, mark_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize("agent", [CHROME, IPHONE, "Microsoft Office Outlook 16.0"])
def test_a_person_is_no_machine(agent: str) -> None:
    assert machine_of(agent, "", "GET") is None


@pytest.mark.parametrize(
    ("agent", "machine"),
    [
        ("Mozilla/5.0", "apple_mail_privacy"),
        (GMAIL, "gmail_proxy"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "yahoo_proxy"),
        (f"{CHROME} Barracuda Sentinel (EE)", "scanner"),
        ("Mozilla/5.0 (compatible; Mimecast)", "scanner"),
        ("curl/8.5.0", "program"),
        ("Mozilla/5.0 (compatible; Slackbot-LinkExpanding 1.0)", "program"),
        ("", "program"),
    ],
)
def test_machines_are_known_by_their_agent(agent: str, machine: str) -> None:
    assert machine_of(agent, "", "GET") == machine


@pytest.mark.parametrize("purpose", ["prefetch", " prefetch;prerender", "preview"])
def test_what_a_browser_fetches_ahead_is_no_click(purpose: str) -> None:
    assert machine_of(CHROME, purpose, "GET") == "prefetch"


def test_only_machines_ask_for_the_head_alone() -> None:
    assert machine_of(CHROME, "", "HEAD") == "head"


@pytest.mark.parametrize(
    ("properties", "mark"),
    [
        ({"machine": True, "agent": "scanner"}, "machine:scanner"),
        ({"machine": "apple_mail_privacy"}, "machine:apple_mail_privacy"),
        ({"machine": True}, "machine:program"),
        ({"machine": True, "agent": "x" * 1_000}, "machine:program"),
        ({"machine": "gmail_proxy"}, None),
        ({"machine": True, "agent": "yahoo_proxy"}, None),
        ({"machine": False, "agent": "scanner"}, None),
        ({"agent": "scanner"}, None),
    ],
)
def test_what_no_person_did_is_marked_but_what_was_fetched_for_one(
    properties: dict[str, object], mark: str | None
) -> None:
    assert mark_of(properties) == mark
