"""Which program visited in no person's place, by what it calls itself. The list is package data (``data/bots.yaml``).

A touchpoint of one is marked ``bot:<name>``, and is left out where the workspace's policy says so.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import yaml

BOT: Final = "bot:"
OWN_ADDRESS: Final = "own:address"
OWN_EMAIL: Final = "own:email"

UNNAMED: Final = "crawler"
"""Of a user agent that only says what it is: something's bot, crawler or spider."""

_MAX_LENGTH: Final = 512
_GENERIC: Final = re.compile(r"bot\b|bot/|crawl|spider|scraper|headless|preview|fetcher")
_PEOPLE: Final = re.compile(r"cubot")
"""Telephones whose maker's name ends in ``bot``."""


@cache
def names() -> Mapping[str, str]:
    """Names by what their user agents contain, in the order in which these are looked for."""
    text = (resources.files("services.ingest.domain") / "data" / "bots.yaml").read_text(encoding="utf-8")
    listed: dict[str, list[str]] = yaml.safe_load(text)
    return {word: name for name, words in listed.items() for word in words}


def bot_of(user_agent: str) -> str | None:
    """The name of the program that a user agent is; None when it looks like a person's browser or app."""
    return _bot_of(user_agent[:_MAX_LENGTH])


@lru_cache(maxsize=4096)
def _bot_of(user_agent: str) -> str | None:
    agent = user_agent.lower()
    found = _pattern().search(agent)
    if found is not None:
        return names()[found[0]]
    return UNNAMED if _GENERIC.search(_PEOPLE.sub("", agent)) else None


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in names()))
