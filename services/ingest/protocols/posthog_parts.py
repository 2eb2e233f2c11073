"""The parts of a PostHog event: person, page, campaign, place. What does not fit is left out, never refused."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain import consent
from services.ingest.domain.landing import CLICK_GROUPS
from services.ingest.domain.policy import Terms
from services.ingest.protocols.arrival import Told, kept_address
from services.ingest.protocols.segment_parts import DIRECT, part, text
from shared.contracts.touchpoint import Campaign, Page

MAX_DISTINCT_ID: Final = 200
_MAX_ACCOUNT: Final = 512
_UTM: Final = tuple(f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content", "id"))
_UTM_NAMES: Final = frozenset(_UTM)
_CLICK_NAMES: Final = frozenset(CLICK_GROUPS)
_ACCOUNTS: Final = ("company", "account", "organization", "organisation", "workspace", "team")
"""Kinds of groups that are accounts, the likeliest first."""

_TOKENS: Final = frozenset({"token", "$token", "api_key"})
_NOT_KEPT: Final = _TOKENS | {"$set", "$set_once", "distinct_id", "$anon_distinct_id"}


def distinct_id(*said: Any) -> str:
    """The first id there is as text, cut as PostHog cuts it; empty when there is none."""
    for value in said:
        if value is not None and (written := _written(value)):
            return written[:MAX_DISTINCT_ID]
    return ""


def _written(value: Any) -> str:
    if isinstance(value, str | int):
        return str(value)
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return ""


def traits_said(*said: Mapping[str, Any]) -> dict[str, Any]:
    """What is set on the person, later ones over earlier ones, without what PostHog sets about itself."""
    return {name: value for one in said if one for name, value in one.items() if not name.startswith("$")}


def page_said(properties: Mapping[str, Any]) -> Page | None:
    """The page; a referrer of ``$direct`` is none."""
    url, path, referrer = [text(properties, name) for name in ("$current_url", "$pathname", "$referrer")]
    title = text(properties, "title") or text(properties, "$title")
    referrer = None if referrer == DIRECT else referrer
    return Page(url=url, path=path, title=title, referrer=referrer) if url or path or referrer else None


def campaign_said(properties: Mapping[str, Any]) -> Campaign | None:
    """The UTM fields and the click ids, which its SDKs take out of the address and send flat; null when absent."""
    utm = [None] * len(_UTM) if _UTM_NAMES.isdisjoint(properties) else [text(properties, name) for name in _UTM]
    clicks = () if _CLICK_NAMES.isdisjoint(properties) else CLICK_GROUPS
    click = next((f"{name}:{value}" for name in clicks if (value := text(properties, name))), None)
    if click is None and not any(utm):
        return None
    source, medium, name, term, content, campaign_id = utm
    return Campaign(source=source, medium=medium, name=name, term=term, content=content, id=campaign_id, click_id=click)


def told(properties: Mapping[str, Any], address: Any) -> Told:
    """What an event says of where somebody was, with what, and of consent."""
    return Told(
        properties.get("$raw_user_agent"),
        properties.get("$device_type"),
        properties.get("$geoip_country_code"),
        properties.get("$locale") or properties.get("$browser_language"),
        properties.get("$ip") or address,
        consent.from_context(properties),
        properties.get("$browser_type") == "bot",
    )


def account_said(properties: Mapping[str, Any]) -> str | None:
    """The account among the groups; the first of them when none is called so."""
    groups = part(properties, "$groups")
    if not groups:
        return None
    found = next((group for name in _ACCOUNTS if (group := text(groups, name))), None)
    return found or next((group for name in groups if (group := text(groups, name))), "") or None


def parted(properties: Mapping[str, Any], address: Any, terms: Terms) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the event's author said, and what PostHog said about the circumstances; neither nulls nor keys.

    Of the IP address there is as much as may be kept.
    """
    own: dict[str, Any] = {}
    context: dict[str, Any] = {}
    for name, value in properties.items():
        if value is not None and name not in _NOT_KEPT:
            (context if name[:1] == "$" else own)[name] = value
    kept = kept_address(context.pop("$ip", None) or address, terms)
    if kept:
        context["ip"] = kept
    return own, context


def without_tokens(content: Mapping[str, Any]) -> dict[str, Any]:
    """An event without the keys that it may carry."""
    kept = {name: value for name, value in content.items() if name not in _TOKENS}
    inner = content.get("properties")
    if isinstance(inner, dict) and not _TOKENS.isdisjoint(inner):
        kept["properties"] = {name: value for name, value in inner.items() if name not in _TOKENS}
    return kept


def group_key(properties: Mapping[str, Any]) -> str | None:
    """The group that is described."""
    key = text(properties, "$group_key")
    return key[:_MAX_ACCOUNT] if key else None


def is_made_for_group(distinct: str, properties: Mapping[str, Any]) -> bool:
    """Whether an id was made up by a server's SDK only to describe a group: nobody is behind it."""
    made = f"{text(properties, '$group_type')}_{text(properties, '$group_key')}"
    return distinct in {made, f"${made}"}
