"""How someone came and where from: campaign, channel, country, device, out of what any protocol says about it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain.channel import Decision, Signs, decide
from services.ingest.domain.device import device_of, device_of_type
from services.ingest.domain.landing import NOTHING, Landing, read_address
from services.ingest.domain.place import country_code, country_of_locale, truncated_address
from services.ingest.domain.site import foreign_site
from services.ingest.protocols.reading import EMPTY, read_object
from shared.contracts.touchpoint import Campaign, Page

_MAX_FIELD: Final = 512
_MAX_REMEMBERED: Final = 2_048
"""Of an address whose campaign is remembered: many strangers' longest ones would be hundreds of megabytes."""
_MAX_REMEMBERED_ITEM: Final = 4_096
_MAX_REMEMBERED_CONTEXT: Final = 1_024
_NO_CAMPAIGN: Final = Campaign()


def way_in(said: Campaign | None, page: Page | None, kind: str, size: int) -> tuple[Campaign | None, str, str]:
    """Campaign, channel and the rule that found it, of an item of so many bytes."""
    if size > _MAX_REMEMBERED_ITEM:
        campaign = campaign_of(said, page)
        return campaign, *decision_of(campaign, page, kind)
    if page is None:
        return _remembered_way(said or _NO_CAMPAIGN, None, None, kind)
    return _remembered_way(said or _NO_CAMPAIGN, page.url, page.referrer, kind)


def _way_in(said: Campaign, address: str | None, referrer: str | None, kind: str) -> tuple[Campaign | None, str, str]:
    campaign = _campaign(said, address or "", "")
    return campaign, *decision_of(campaign, Page(url=address, referrer=referrer), kind)


_remembered_way = lru_cache(maxsize=8192)(_way_in)


class Surroundings(NamedTuple):
    """What a context says of where somebody was, and as much of it as may be kept."""

    country: str | None
    device: str | None
    kept: msgspec.Raw


_NOWHERE: Final = Surroundings(None, None, EMPTY)


def surroundings(raw: msgspec.Raw, pointer: str) -> Surroundings:
    """Those of a native context. Most visitors send the same one again and again. Raises Refused."""
    if raw is EMPTY:
        return _NOWHERE
    data = bytes(raw)
    if len(data) > _MAX_REMEMBERED_CONTEXT or b'"ip"' in data:  # an address is not to be remembered
        return _surroundings(data, pointer)
    return _remembered_surroundings(data, pointer)


def _surroundings(data: bytes, pointer: str) -> Surroundings:
    raw = msgspec.Raw(data)
    context = read_object(raw, pointer)
    return Surroundings(*place_of(context), truncated(raw, context))


_remembered_surroundings = lru_cache(maxsize=4096)(_surroundings)


def campaign_of(said: Campaign | None, page: Page | None, query: str = "") -> Campaign | None:
    """What was said about the campaign, completed by what the page's address (or its query) says."""
    address = page.url or "" if page is not None else ""
    if said is None and not address and not query:
        return None
    if len(address) + len(query) > _MAX_REMEMBERED or (said is not None and _is_long(said)):
        return _campaign(said or _NO_CAMPAIGN, address, query)
    return _remembered_campaign(said or _NO_CAMPAIGN, address, query)


def channel_of(campaign: Campaign | None, page: Page | None, kind: str) -> str:
    """The channel by the rules of ``domain.channel``."""
    return decision_of(campaign, page, kind).channel


def decision_of(campaign: Campaign | None, page: Page | None, kind: str) -> Decision:
    """The channel and the rule that decided."""
    referrer = foreign_site(page.referrer, page.url or "") if page is not None and page.referrer else ""
    return decide(_signs(campaign or _NO_CAMPAIGN, referrer, kind))


def _signs(campaign: Campaign, referrer: str, kind: str) -> Signs:
    click = (campaign.click_id or "").partition(":")[0]
    return Signs(_plain(campaign.medium), _plain(campaign.source), _plain(campaign.name), click, referrer, kind)


def _plain(text: str | None) -> str:
    return text.strip().lower() if text else ""


def place_of(context: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Country and class of device out of a native context."""
    if not context:
        return None, None
    country = context.get("country")
    agent = context.get("user_agent")
    return (
        (country_code(country) if isinstance(country, str) else None) or country_of(context.get("locale")),
        device_of(agent) if isinstance(agent, str) else None,
    )


def country_of(locale: Any) -> str | None:
    """The country in a locale, if it is one."""
    return country_of_locale(locale) if isinstance(locale, str) else None


def device_by(agent: Any, device_type: Any) -> str | None:
    """The class of device by its type, else by the browser's user agent."""
    by_type = device_of_type(device_type) if isinstance(device_type, str) else None
    return by_type or (device_of(agent) if isinstance(agent, str) else None)


def truncated(raw: msgspec.Raw, context: Mapping[str, Any]) -> msgspec.Raw:
    """The context as sent, but with as much of the IP address as may be kept."""
    if not context:
        return EMPTY
    address = context.get("ip")
    if address is None:
        return raw
    kept = truncated_address(address) if isinstance(address, str) else None
    return msgspec.Raw(msgspec.json.encode({**context, "ip": kept}))


def _is_long(said: Campaign) -> bool:
    return any(value is not None and len(value) > _MAX_FIELD for value in msgspec.structs.astuple(said))


def _campaign(said: Campaign, address: str, query: str) -> Campaign | None:
    landing = read_address(address)
    if query and landing is NOTHING:
        landing = read_address(query)
    campaign = _merged(said, landing)
    return None if campaign == _NO_CAMPAIGN else campaign


_remembered_campaign = lru_cache(maxsize=8192)(_campaign)


def _merged(said: Campaign, landing: Landing) -> Campaign:
    utm = landing.utm
    return Campaign(
        source=_field(said.source or utm.get("source")),
        medium=_field(said.medium or utm.get("medium")),
        name=_field(said.name or utm.get("campaign")),
        term=_field(said.term or utm.get("term")),
        content=_field(said.content or utm.get("content")),
        id=_field(said.id or utm.get("id")),
        click_id=_field(said.click_id or landing.click),
    )


def _field(value: str | None) -> str | None:
    return value[:_MAX_FIELD] if value else None
