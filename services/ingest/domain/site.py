"""What sort of site somebody came from: a search engine, a social network, a shop, a mailbox. The list is package data.

``data/sites.yaml`` says what it is made from and how its entries are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import yaml

_MAX_ADDRESS: Final = 1_024
"""Of an address in which a host is looked for."""

_MIN_NAME: Final = 3
"""Letters of the first part of a host that is understood as a source by itself: ``t`` of ``t.co`` says nothing."""

_MAX_ENDING: Final = 3
"""Letters of each part of a country's ending: ``dk``, ``co.uk``, ``com.au``."""

_MAIL_PARTS: Final = frozenset({"mail", "webmail"})

SEARCH: Final = "search"
SOCIAL: Final = "social"
VIDEO: Final = "video"
SHOPPING: Final = "shopping"
MAIL: Final = "mail"
ASSISTANT: Final = "assistant"
SORTS: Final = (SEARCH, SOCIAL, VIDEO, SHOPPING, MAIL, ASSISTANT)


@dataclass(frozen=True, slots=True)
class Sites:
    """Sorts by host (``bing.com``, ``google.*``) and by the way people write it in ``utm_source``."""

    hosts: Mapping[str, str]
    sources: Mapping[str, str]


@cache
def sites() -> Sites:
    """The list."""
    text = (resources.files("services.ingest.domain") / "data" / "sites.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text)
    hosts = {host: sort for sort in SORTS for host in listed[sort]["hosts"]}
    named = {name: sort for sort in reversed(SORTS) for name in _own_names(listed[sort]["hosts"])}
    return Sites(hosts, named | {source: sort for sort in SORTS for source in listed[sort]["sources"]})


@lru_cache(maxsize=8192)
def sort_of_host(host: str) -> str:
    """The sort of a lower-case host, by the most specific entry; empty when it is none of these."""
    labels = host.split(".")
    hosts = sites().hosts
    for start in range(len(labels)):
        sort = hosts.get(".".join(labels[start:])) or _by_country(labels[start:], hosts)
        if sort is not None:
            return sort
        if labels[start] in _MAIL_PARTS and start + 1 < len(labels):
            return MAIL
    return ""


@lru_cache(maxsize=8192)
def sort_of_source(source: str) -> str:
    """The sort of a lower-case ``utm_source``: a known name, or a host; empty when it is none of these."""
    return sites().sources.get(source) or (sort_of_host(source) if "." in source else "")


def site_of(address: str) -> str:
    """The host of an address, lower case and without ``www.``; empty when it has none."""
    return _site_of(address[:_MAX_ADDRESS])


def foreign_site(referrer: str, page: str, own: frozenset[str] = frozenset()) -> str:
    """The referrer's site; empty when it is the page's own, or one of ``own``: moving about at home is no arrival."""
    site = site_of(referrer)
    return "" if site and (site == site_of(page) or (own and _is_below(site, own))) else site


@lru_cache(maxsize=8192)
def _site_of(address: str) -> str:
    _, separator, rest = address.partition("://")
    if not separator:
        return ""
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2].partition(":")[0]
    return host.lower().removeprefix("www.")


def _is_below(site: str, hosts: frozenset[str]) -> bool:
    """Whether it is one of the hosts, or lies below one."""
    labels = site.split(".")
    return any(".".join(labels[start:]) in hosts for start in range(len(labels)))


def _by_country(labels: list[str], hosts: Mapping[str, str]) -> str | None:
    endings = labels[1:]
    if 0 < len(endings) <= len(("co", "uk")) and all(len(part) <= _MAX_ENDING for part in endings):
        return hosts.get(f"{labels[0]}.*")
    return None


def _own_names(hosts: list[str]) -> list[str]:
    """First parts of hosts of two parts: how people write them as a source."""
    parted = (host.split(".") for host in hosts)
    return [parts[0] for parts in parted if len(parts) == len(("bing", "com")) and len(parts[0]) >= _MIN_NAME]
