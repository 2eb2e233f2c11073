"""The page about compatibility names what there is: pages, tests, and every system that was promised."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.ingest.handlers.hook_providers import providers
from tests.unit.ingest.webhooks.test_signatures import VECTORS

_DOCS = Path(__file__).parents[3] / "docs"
_ROW = re.compile(r"^\| (.+?) \| .+? \| \[[^\]]+\]\((connect/[\w-]+\.md)\) \| `([^`]+)` \| (\w+) \|$", re.MULTILINE)
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)(?:\[(\w+)\])?")
_PROMISED = [
    "Salesforce",
    "HubSpot",
    "Zoho CRM",
    "Marketo",
    "Pardot",
    "ActiveCampaign",
    "Mailchimp",
    "Constant Contact",
    "AWeber",
    "SendGrid",
    "Mailgun",
    "Postmark",
    "Amazon SES",
    "Brevo",
    "Mandrill",
    "Unbounce",
    "Leadpages",
    "Instapage",
    "Google Ads",
    "Meta",
    "LinkedIn",
    "TikTok",
    "WeChat",
    "Line",
    "Google Analytics 4",
    "Adobe Analytics",
    "Segment",
    "RudderStack",
    "PostHog",
    "Snowplow",
    "CloudEvents",
    "Calendly",
    "Intercom",
    "Zendesk",
    "Parquet",
    "anything else",
]
_ABOUT_ALL = {"README.md", "webhooks.md", "adding-a-provider.md"}
"""Pages that are of no one system."""


@dataclass(frozen=True, slots=True)
class _Row:
    system: str
    page: str
    test: str
    known_by: str

    @property
    def provider(self) -> str:
        found = _TEST.fullmatch(self.test)
        return (found[3] or "") if found else ""


_PAGE = (_DOCS / "compatibility.md").read_text(encoding="utf-8")
_ROWS = [_Row(*found) for found in _ROW.findall(_PAGE)]


def test_every_line_of_the_tables_is_read() -> None:
    assert len(_ROWS) == len(re.findall(r"^\| .+\]\(connect/", _PAGE, re.MULTILINE))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.system)
def test_its_page_and_its_test_exist(row: _Row) -> None:
    found = _TEST.fullmatch(row.test)
    assert found is not None
    tree = ast.parse((_DOCS.parent / found[1]).read_text(encoding="utf-8"))

    assert (_DOCS / row.page).exists()
    assert found[2] in {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not row.provider or row.page == f"connect/{row.provider.replace('_', '-')}.md"


def test_how_it_is_known_is_one_of_those_explained() -> None:
    explained = set(re.findall(r"^\| (\w+) \| [^|]+ \|$", _PAGE.partition("## ")[0], re.MULTILINE)) - {"known"}

    assert {row.known_by for row in _ROWS} == explained


def test_every_page_about_connecting_has_a_line() -> None:
    pages = {path.name for path in (_DOCS / "connect").glob("*.md")} - _ABOUT_ALL

    assert pages - {Path(row.page).name for row in _ROWS} == set()


def test_every_provider_has_a_line() -> None:
    assert sorted(row.provider for row in _ROWS if row.provider) == sorted(providers())


def test_every_system_that_was_promised_has_a_line() -> None:
    assert set(_PROMISED) - {row.system for row in _ROWS} == set()


def test_a_vector_is_claimed_where_there_is_one() -> None:
    claimed = {providers()[row.provider].signature for row in _ROWS if row.known_by == "vector"}

    assert claimed == {name.partition(" ")[0] for name in VECTORS} - {"standard"}
