"""Which marketing channel a touchpoint came through: ordered named rules, the first that holds decides.

They follow the default channel groups of Google Analytics 4, folded to our closed set: Paid Search, Paid Social, Paid
Shopping, Paid Video, Paid Other, Display, Cross-network and Audio are ``ads``; Organic Search and Organic Shopping are
``search``; Organic Social and Organic Video are ``social``; Affiliates and Referral are ``referral``; SMS is ``phone``;
Email is ``email``; Direct and Mobile Push are ``web``. Where a touchpoint names its channel itself, no rule is asked.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from services.ingest.domain.landing import CLICK_CHANNELS
from shared.vocabulary import Channel

_MAX_ADDRESS: Final = 1_024
"""Of an address in which a host is looked for."""


class Signs(NamedTuple):
    """What is looked at, all lower case: UTM medium and source, the click id's name, the referrer's site unless it is
    the page's own, and the kind."""

    medium: str
    source: str
    click: str
    referrer: str
    kind: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule: the channel when ``holds``."""

    name: str
    channel: Channel
    holds: Callable[[Signs], bool]


_PAID: Final = re.compile(r"(.*cp.*|ppc|retargeting|paid.*)")
_DISPLAY: Final = frozenset({"display", "banner", "expandable", "interstitial", "programmatic", "native", "audio"})
_EMAIL: Final = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"})
_SOCIAL: Final = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_REFERRAL: Final = frozenset({"referral", "app", "link", "affiliate", "affiliates", "partner"})
_PHONE: Final = frozenset({"sms", "phone", "call", "telephone"})
_OFFLINE: Final = frozenset(
    {"print", "offline", "qr", "qrcode", "qr-code", "direct-mail", "direct mail", "tv", "radio"}
)
_IMMERSIVE: Final = frozenset({"vr", "ar", "xr", "metaverse", "immersive"})

_SEARCH_SITES: Final = re.compile(
    r"(?:^|\.)(?:google|bing|yahoo|duckduckgo|baidu|yandex|ecosia|startpage|qwant|naver|sogou|seznam|brave|kagi)(?:\.|$)"
    r"|^(?:com\.google\.android\.googlequicksearchbox)$"
)
_SOCIAL_SITES: Final = re.compile(
    r"(?:^|\.)(?:facebook|fb|instagram|linkedin|lnkd|twitter|x|t|tiktok|pinterest|pin|reddit|youtube|youtu|vimeo|snapchat"
    r"|threads|mastodon|bsky|xing|vk|weibo|quora|tumblr|twitch|whatsapp|telegram|discord)(?:\.(?:com|net|in|co|be|it|me"
    r"|social|app|tv|de|org|gg)|$)"
)
_MAIL_SITES: Final = re.compile(
    r"^(?:mail\.|webmail\.|outlook\.(?:live|office|office365)\.|com\.google\.android\.gm$)|(?:^|\.)(?:proton|gmx)\."
)

_KINDS: Final = (
    ("email_", Channel.EMAIL),
    ("newsletter_", Channel.EMAIL),
    ("ad_", Channel.ADS),
    ("social_", Channel.SOCIAL),
    ("webinar_", Channel.WEBINAR),
    ("event_", Channel.EVENT),
    ("booth_", Channel.EVENT),
    ("call_", Channel.PHONE),
    ("phone_", Channel.PHONE),
    ("sms_", Channel.PHONE),
    ("chat_", Channel.CHAT),
    ("meeting_", Channel.MEETING),
    ("opportunity_", Channel.SALES),
    ("deal_", Channel.SALES),
    ("store_", Channel.OFFLINE),
    ("letter_", Channel.OFFLINE),
    ("immersive_", Channel.IMMERSIVE),
    ("vr_", Channel.IMMERSIVE),
)


def _is_paid(signs: Signs) -> bool:
    return bool(_PAID.fullmatch(signs.medium))


def _kind_rule(prefix: str, channel: Channel) -> Rule:
    return Rule(f"kind {prefix}*", channel, lambda signs: signs.kind.startswith(prefix))


RULES: Final = (
    Rule("paid medium", Channel.ADS, _is_paid),
    Rule("display medium", Channel.ADS, lambda signs: signs.medium in _DISPLAY),
    Rule("cross-network", Channel.ADS, lambda signs: signs.medium == "cross-network"),
    Rule("email medium or source", Channel.EMAIL, lambda signs: signs.medium in _EMAIL or signs.source in _EMAIL),
    Rule("social medium", Channel.SOCIAL, lambda signs: signs.medium in _SOCIAL),
    Rule("organic medium", Channel.SEARCH, lambda signs: signs.medium == "organic"),
    Rule("referral medium", Channel.REFERRAL, lambda signs: signs.medium in _REFERRAL),
    Rule("phone medium", Channel.PHONE, lambda signs: signs.medium in _PHONE),
    Rule("offline medium", Channel.OFFLINE, lambda signs: signs.medium in _OFFLINE),
    Rule("immersive medium", Channel.IMMERSIVE, lambda signs: signs.medium in _IMMERSIVE),
    Rule("webinar medium", Channel.WEBINAR, lambda signs: signs.medium == "webinar"),
    Rule("event medium", Channel.EVENT, lambda signs: signs.medium in {"event", "tradeshow", "conference"}),
    Rule("chat medium", Channel.CHAT, lambda signs: signs.medium in {"chat", "messenger", "livechat"}),
    Rule("ad click id", Channel.ADS, lambda signs: CLICK_CHANNELS.get(signs.click) is Channel.ADS),
    Rule("mail click id", Channel.EMAIL, lambda signs: CLICK_CHANNELS.get(signs.click) is Channel.EMAIL),
    Rule("partner click id", Channel.REFERRAL, lambda signs: CLICK_CHANNELS.get(signs.click) is Channel.REFERRAL),
    Rule("shared click id", Channel.SOCIAL, lambda signs: CLICK_CHANNELS.get(signs.click) is Channel.SOCIAL),
    Rule("social source", Channel.SOCIAL, lambda signs: bool(_SOCIAL_SITES.search(signs.source))),
    Rule("search source", Channel.SEARCH, lambda signs: bool(_SEARCH_SITES.search(signs.source))),
    Rule("mail referrer", Channel.EMAIL, lambda signs: bool(_MAIL_SITES.search(signs.referrer))),
    Rule("search referrer", Channel.SEARCH, lambda signs: bool(_SEARCH_SITES.search(signs.referrer))),
    Rule("social referrer", Channel.SOCIAL, lambda signs: bool(_SOCIAL_SITES.search(signs.referrer))),
    Rule("other referrer", Channel.REFERRAL, lambda signs: bool(signs.referrer)),
    *(_kind_rule(prefix, channel) for prefix, channel in _KINDS),
    Rule("direct", Channel.WEB, lambda _signs: True),
)
"""In this order. The order is part of the meaning: what was paid for is ads, whoever the source is."""


@lru_cache(maxsize=8192)
def decide(signs: Signs) -> Rule:
    """The first rule that holds; its name says why."""
    return next(rule for rule in RULES if rule.holds(signs))


def site_of(address: str) -> str:
    """The host of an address, lower case and without ``www.``; empty when it has none."""
    return _site_of(address[:_MAX_ADDRESS])


@lru_cache(maxsize=8192)
def _site_of(address: str) -> str:
    _, separator, rest = address.partition("://")
    if not separator:
        return ""
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2].partition(":")[0]
    return host.lower().removeprefix("www.")


def foreign_site(referrer: str, page: str) -> str:
    """The referrer's site, empty when it is the page's own: moving about on one site is no arrival."""
    site = site_of(referrer)
    return "" if site and site == site_of(page) else site
