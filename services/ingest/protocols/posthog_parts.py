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
_NO_CAMPAIGN: Final = Campaign()
_UTM_NAMES: Final = frozenset(f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content", "id"))
_CLICK_NAMES: Final = frozenset(CLICK_GROUPS)
_ACCOUNTS: Final = ("company", "account", "organization", "organisation", "workspace", "team")
"""Kinds of groups that are accounts, the likeliest first."""

_TOKENS: Final = frozenset({"token", "$token", "api_key"})


class Parted(msgspec.Struct, gc=False):
    """An event's properties: what its author said (``own``), what PostHog said about the circumstances (``context``),
    neither with nulls or keys, and what was taken out of both.
    """

    own: dict[str, Any]
    context: dict[str, Any]
    distinct_id: Any
    before: Any
    put: Any
    put_once: Any
    address: Any


def distinct_id(*said: Any) -> str:
    """The first id there is as text, cut as PostHog cuts it; empty when there is none."""
    for value in said:
        if value is not None and (written := value if type(value) is str else _written(value)):
            return written[:MAX_DISTINCT_ID]
    return ""


def _written(value: Any) -> str:
    if isinstance(value, str | int):
        return str(value)
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return ""


def parted(properties: Mapping[str, Any]) -> Parted:
    """The properties taken apart."""
    own: dict[str, Any] = {}
    context: dict[str, Any] = {}
    for name, value in properties.items():
        if value is not None:
            if "$" <= name < "%":  # begins with it
                context[name] = value
            else:
                own[name] = value
    own.pop("token", None)
    own.pop("api_key", None)
    context.pop("$token", None)
    return Parted(
        own,
        context,
        own.pop("distinct_id", None),
        context.pop("$anon_distinct_id", None),
        context.pop("$set", None),
        context.pop("$set_once", None),
        context.pop("$ip", None),
    )


def traits_said(*said: Any) -> dict[str, Any]:
    """What is set on the person, later ones over earlier ones, without what PostHog sets about itself."""
    objects = [one for one in said if isinstance(one, dict)]
    return {name: value for one in objects for name, value in one.items() if not name.startswith("$")}


def page_said(said: Parted) -> Page | None:
    """The page; a referrer of ``$direct`` is none."""
    context = said.context
    url, path, referrer = text(context, "$current_url"), text(context, "$pathname"), text(context, "$referrer")
    if referrer == DIRECT:
        referrer = None
    if url or path or referrer:
        return Page(url, path, text(said.own, "title") or text(context, "$title"), referrer)
    return None


def campaign_said(own: Mapping[str, Any]) -> Campaign | None:
    """The UTM fields and the click ids, which its SDKs take out of the address and send flat; null when absent."""
    click = None
    if not _CLICK_NAMES.isdisjoint(own):
        click = next((f"{name}:{value}" for name in CLICK_GROUPS if (value := text(own, name))), None)
    if click is None and _UTM_NAMES.isdisjoint(own):
        return None
    said = Campaign(
        text(own, "utm_source"),
        text(own, "utm_medium"),
        text(own, "utm_campaign"),
        text(own, "utm_term"),
        text(own, "utm_content"),
        text(own, "utm_id"),
        click,
    )
    return None if said == _NO_CAMPAIGN else said


def told(said: Parted, address: Any) -> Told:
    """What an event says of where somebody was, with what, and of consent."""
    context = said.context
    return Told(
        context.get("$raw_user_agent"),
        context.get("$device_type"),
        context.get("$geoip_country_code"),
        context.get("$locale") or context.get("$browser_language"),
        said.address or address,
        consent.from_context(said.own),
        context.get("$browser_type") == "bot",
    )


def account_said(context: Mapping[str, Any]) -> str | None:
    """The account among the groups; the first of them when none is called so."""
    groups = part(context, "$groups")
    if not groups:
        return None
    found = next((group for name in _ACCOUNTS if (group := text(groups, name))), None)
    return found or next((group for name in groups if (group := text(groups, name))), "") or None


def context_kept(said: Parted, address: Any, terms: Terms) -> dict[str, Any]:
    """The circumstances, and of the IP address as much as may be kept."""
    address = said.address or address
    kept = kept_address(address, terms) if address else None
    return {**said.context, "ip": kept} if kept else said.context


def without_tokens(content: Mapping[str, Any]) -> dict[str, Any]:
    """An event without the keys that it may carry."""
    kept = {name: value for name, value in content.items() if name not in _TOKENS}
    inner = content.get("properties")
    if isinstance(inner, dict) and not _TOKENS.isdisjoint(inner):
        kept["properties"] = {name: value for name, value in inner.items() if name not in _TOKENS}
    return kept


def group_key(context: Mapping[str, Any]) -> str | None:
    """The group that is described."""
    key = text(context, "$group_key")
    return key[:_MAX_ACCOUNT] if key else None


def is_made_for_group(distinct: str, context: Mapping[str, Any]) -> bool:
    """Whether an id was made up by a server's SDK only to describe a group: nobody is behind it."""
    made = f"{text(context, '$group_type')}_{text(context, '$group_key')}"
    return distinct in {made, f"${made}"}
