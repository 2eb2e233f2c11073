"""Channels: every rule by the addresses, referrers and kinds it is for."""

from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
import yaml

from services.ingest.domain.channel import CHANNELS, RULES, Signs, decide
from services.ingest.domain.site import SORTS, foreign_site, site_of, sites, sort_of_host, sort_of_source
from services.ingest.protocols.arrival import campaign_of, decision_of
from shared.contracts.touchpoint import Page
from shared.vocabulary import Channel

_CASES = Path(__file__).with_name("channel_cases.yaml")
_ENOUGH = 300


def _cases() -> Iterator[tuple[str, str]]:
    for rule, cases in yaml.safe_load(_CASES.read_text(encoding="utf-8")).items():
        for case in cases:
            yield case, rule


def _page_and_kind(case: str) -> tuple[Page, str]:
    came, _, kind = case.partition(" as ")
    query, _, referrer = came.partition(" from ")
    return Page(url=f"https://site.example{query}", referrer=referrer or None), kind or "page_viewed"


@pytest.mark.parametrize(("case", "rule"), list(_cases()))
def test_how_someone_came_is_told_by_the_rule(case: str, rule: str) -> None:
    page, kind = _page_and_kind(case)

    decided = decision_of(campaign_of(None, page), page, kind)

    assert decided.rule == rule
    assert decided.channel == CHANNELS[rule.partition(":")[0]]


def test_cases_are_many_differ_and_leave_no_rule_out() -> None:
    counted = Counter(case for case, _ in _cases())

    assert counted.total() >= _ENOUGH
    assert [case for case, times in counted.items() if times > 1] == []
    assert {rule for _, rule in _cases()} == {rule.name for rule in RULES}


def test_every_channel_can_be_found_and_every_rule_has_its_own_name() -> None:
    assert {rule.channel for rule in RULES} == set(Channel)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.name.partition(":")[0] for rule in RULES} == set(CHANNELS)


def test_nothing_said_is_direct() -> None:
    assert decide(Signs()) == (Channel.WEB, "direct")


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://www.Example.com/a?b#c", "example.com"),
        ("http://user:pw@example.com:8080", "example.com"),
        ("https://example.com?x", "example.com"),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_site_of_an_address(address: str, site: str) -> None:
    assert site_of(address) == site


def test_own_sites_are_no_referrer() -> None:
    own = frozenset({"brand.example"})

    assert foreign_site("https://shop.example/a", "https://www.shop.example/b") == ""
    assert foreign_site("https://other.example/a", "https://shop.example/b") == "other.example"
    assert foreign_site("https://checkout.brand.example/a", "https://shop.example/b", own) == ""
    assert foreign_site("https://notbrand.example/a", "https://shop.example/b", own) == "notbrand.example"


@pytest.mark.parametrize(
    ("host", "sort"),
    [
        ("google.com", "search"),
        ("mail.google.com", "mail"),
        ("gemini.google.com", "assistant"),
        ("shopping.google.com", "shopping"),
        ("google.com.au", "search"),
        ("google.example", ""),
        ("m.youtube.com", "video"),
        ("mail.nobody.example", "mail"),
        ("mail", ""),
        ("", ""),
    ],
)
def test_most_specific_host_decides(host: str, sort: str) -> None:
    assert sort_of_host(host) == sort


@pytest.mark.parametrize(
    ("source", "sort"), [("bing", "search"), ("t", ""), ("fb", "social"), ("m.facebook.com", "social"), ("spring", "")]
)
def test_source_is_a_known_name_or_a_host(source: str, sort: str) -> None:
    assert sort_of_source(source) == sort


def test_no_host_is_listed_twice_and_all_are_lower_case() -> None:
    text = (resources.files("services.ingest.domain") / "data" / "sites.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text)
    hosts = Counter(host for sort in SORTS for host in listed[sort]["hosts"])
    sources = Counter(source for sort in SORTS for source in listed[sort]["sources"])

    assert set(listed) == set(SORTS)
    assert [name for name, times in (hosts + sources).items() if times > 1 or name != name.lower()] == []
    assert len(sites().hosts) == len(hosts)
