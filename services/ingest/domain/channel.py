"""Which marketing channel a touchpoint came through: ordered named rules, the first that holds decides.

The groups are the default channel groups of Google Analytics 4 (support.google.com/analytics/answer/9756891, with AI
Assistant of May 2026), plus ours for what is no traffic of a website. A rule's name is ``group:what decided``; each
group belongs to one of our channels. ``docs/channels.md`` publishes all of it, with where and why we differ. Where a
touchpoint names its channel itself, no rule is asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from services.ingest.domain.landing import BESIDE, CLICK_GROUPS, group_of_click
from services.ingest.domain.site import (
    ASSISTANT,
    MAIL,
    SEARCH,
    SHOPPING,
    SOCIAL,
    VIDEO,
    sort_of_host,
    sort_of_source,
)
from shared.vocabulary import Channel

SAID: Final = "said"
"""The rule of a touchpoint that names its channel itself."""

CHANNELS: Final[Mapping[str, Channel]] = {
    "cross_network": Channel.ADS,
    "paid_shopping": Channel.ADS,
    "paid_search": Channel.ADS,
    "paid_social": Channel.ADS,
    "paid_video": Channel.ADS,
    "display": Channel.ADS,
    "audio": Channel.ADS,
    "paid_other": Channel.ADS,
    "organic_shopping": Channel.SEARCH,
    "organic_search": Channel.SEARCH,
    "organic_social": Channel.SOCIAL,
    "organic_video": Channel.SOCIAL,
    "email": Channel.EMAIL,
    "affiliates": Channel.REFERRAL,
    "referral": Channel.REFERRAL,
    "ai_assistant": Channel.REFERRAL,
    "sms": Channel.PHONE,
    "mobile_push": Channel.WEB,
    "phone": Channel.PHONE,
    "offline": Channel.OFFLINE,
    "immersive": Channel.IMMERSIVE,
    "webinar": Channel.WEBINAR,
    "event": Channel.EVENT,
    "chat": Channel.CHAT,
    "meeting": Channel.MEETING,
    "sales": Channel.SALES,
    "unassigned": Channel.WEB,
    "direct": Channel.WEB,
}
"""Which channel each group belongs to."""


class Signs(NamedTuple):
    """What is looked at, all lower case: UTM medium, source and campaign, the click id's name, the referrer's site
    unless it is the page's own, and the kind."""

    medium: str = ""
    source: str = ""
    campaign: str = ""
    click: str = ""
    referrer: str = ""
    kind: str = ""


class Rule(NamedTuple):
    """A named rule: ``channel`` when ``holds``; ``when`` says the same in words."""

    name: str
    channel: Channel
    when: str
    holds: Callable[[Signs], bool]


class Decision(NamedTuple):
    """The channel (its value) and the name of the rule that decided."""

    channel: str
    rule: str


_PAID: Final = re.compile(r".*cp.*|ppc|retargeting|paid.*")
_SHOP: Final = re.compile(r"(?:.*[^a-df-z])?shop.*|.*shopping.*")
_PUSH: Final = re.compile(r".*push|.*mobile.*|.*notification.*")

_MEDIA: Final[Mapping[str, frozenset[str]]] = {
    "cross_network": frozenset({"cross-network"}),
    "display": frozenset({"display", "banner", "expandable", "interstitial", "cpm", "programmatic", "native"}),
    "email": frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"}),
    "affiliates": frozenset({"affiliate", "affiliates", "partner"}),
    "audio": frozenset({"audio", "podcast"}),
    "sms": frozenset({"sms"}),
    "phone": frozenset({"phone", "call", "telephone"}),
    "offline": frozenset({"print", "offline", "qr", "qrcode", "qr-code", "direct-mail", "direct mail", "tv", "radio"}),
    "immersive": frozenset({"vr", "ar", "xr", "metaverse", "immersive"}),
    "webinar": frozenset({"webinar"}),
    "event": frozenset({"event", "tradeshow", "conference"}),
    "chat": frozenset({"chat", "messenger", "livechat"}),
    "meeting": frozenset({"meeting"}),
    "ai_assistant": frozenset({"ai-assistant"}),
    "organic_social": frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"}),
    "organic_search": frozenset({"organic"}),
    "referral": frozenset({"referral", "app", "link"}),
}
_OWN_WORDS: Final = ("email", "affiliates", "audio", "sms", "phone", "offline", "immersive", "webinar", "event", "chat")
_PAID_BY_SITE: Final = {
    "paid_shopping": SHOPPING,
    "paid_search": SEARCH,
    "paid_social": SOCIAL,
    "paid_video": VIDEO,
}
_ORGANIC_BY_SITE: Final = {
    "organic_shopping": SHOPPING,
    "organic_social": SOCIAL,
    "organic_video": VIDEO,
    "organic_search": SEARCH,
}
_SITE_BY_GROUP: Final = {"paid_search": SEARCH, "paid_social": SOCIAL, "organic_social": SOCIAL}
_NOT_SET: Final = frozenset({"", "(none)", "(not set)", "none"})
_NO_SOURCE: Final = frozenset({"", "(direct)", "direct", "(not set)"})

_KINDS: Final = (
    ("email_", "email"),
    ("newsletter_", "email"),
    ("ad_", "paid_other"),
    ("social_", "organic_social"),
    ("webinar_", "webinar"),
    ("event_", "event"),
    ("booth_", "event"),
    ("call_", "phone"),
    ("phone_", "phone"),
    ("sms_", "sms"),
    ("chat_", "chat"),
    ("meeting_", "meeting"),
    ("opportunity_", "sales"),
    ("deal_", "sales"),
    ("store_", "offline"),
    ("letter_", "offline"),
    ("immersive_", "immersive"),
    ("vr_", "immersive"),
)


def _rule(name: str, when: str, holds: Callable[[Signs], bool]) -> Rule:
    return Rule(name, CHANNELS[name.partition(":")[0]], when, holds)


def _is_paid(signs: Signs) -> bool:
    return bool(signs.medium) and bool(_PAID.fullmatch(signs.medium))


def _sort(signs: Signs) -> str:
    """The sort of site: the source's, else the ad platform's by its click id, else (with no source) the referrer's."""
    by_source = sort_of_source(signs.source) if signs.source else ""
    if by_source:
        return by_source
    by_click = _SITE_BY_GROUP.get(group_of_click(signs.click), "")
    return by_click or ("" if signs.source else sort_of_host(signs.referrer))


def _is_shop(campaign: str) -> bool:
    return "shop" in campaign and bool(_SHOP.fullmatch(campaign))


def _by_medium(group: str) -> Rule:
    words = _MEDIA[group]
    return _rule(f"{group}:medium", f"medium is {_either(words)}", lambda signs: signs.medium in words)


def _by_paid_site(group: str, sort: str) -> Rule:
    when = f"the medium is paid and the source (else the click id's platform, else the referrer) is a {sort} site"
    if sort == SHOPPING:
        when += ", or the campaign's name says shop"
    return _rule(
        f"{group}:medium",
        when,
        lambda signs: _is_paid(signs) and (_sort(signs) == sort or (sort == SHOPPING and _is_shop(signs.campaign))),
    )


def _by_click(group: str) -> Rule:
    names = [name for name in (*CLICK_GROUPS, *BESIDE) if group_of_click(name) == group]
    return _rule(
        f"{group}:click_id",
        f"click id {_either(names)}",
        lambda signs: group_of_click(signs.click) == group,
    )


def _by_source(group: str, sort: str) -> Rule:
    return _rule(f"{group}:source", f"source is a {sort} site", lambda signs: sort_of_source(signs.source) == sort)


def _by_referrer(group: str, sort: str) -> Rule:
    return _rule(
        f"{group}:referrer",
        f"no source; the referrer is a {sort} site",
        lambda signs: not signs.source and sort_of_host(signs.referrer) == sort,
    )


def _by_kind(prefix: str, group: str) -> Rule:
    return _rule(f"{group}:kind_{prefix[:-1]}", f"kind begins with `{prefix}`", lambda one: one.kind.startswith(prefix))


def _either(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _is_nowhere(signs: Signs) -> bool:
    return signs.medium in _NOT_SET and signs.source in _NO_SOURCE and not signs.referrer and not signs.click


RULES: Final = (
    _by_medium("cross_network"),
    _rule("cross_network:campaign", "campaign contains `cross-network`", lambda one: "cross-network" in one.campaign),
    *(_by_paid_site(group, sort) for group, sort in _PAID_BY_SITE.items()),
    _by_medium("display"),
    _rule("paid_other:medium", "the medium is paid", _is_paid),
    *(_by_medium(group) for group in _OWN_WORDS),
    _by_medium("meeting"),
    _rule(
        "mobile_push:medium",
        "medium ends with `push`, or contains `mobile` or `notification`",
        lambda signs: bool(_PUSH.fullmatch(signs.medium)),
    ),
    _rule(
        "email:source",
        f"source is {_either(_MEDIA['email'])}, or a mail program or sender",
        lambda signs: signs.source in _MEDIA["email"] or sort_of_source(signs.source) == MAIL,
    ),
    _rule("sms:source", "source is `sms`", lambda signs: signs.source == "sms"),
    *(_by_click(group) for group in ("paid_search", "display", "paid_social", "email", "affiliates")),
    _by_medium("ai_assistant"),
    _by_source("ai_assistant", ASSISTANT),
    _by_source("organic_shopping", SHOPPING),
    _rule("organic_shopping:campaign", "the campaign's name says shop", lambda signs: _is_shop(signs.campaign)),
    _by_source("organic_social", SOCIAL),
    _by_medium("organic_social"),
    _by_click("organic_social"),
    _by_source("organic_video", VIDEO),
    _rule("organic_video:medium", "medium contains `video`", lambda signs: "video" in signs.medium),
    _by_source("organic_search", SEARCH),
    _by_medium("organic_search"),
    _by_medium("referral"),
    *(_by_kind(prefix, group) for prefix, group in _KINDS),
    _by_referrer("email", MAIL),
    _by_referrer("ai_assistant", ASSISTANT),
    *(_by_referrer(group, sort) for group, sort in _ORGANIC_BY_SITE.items()),
    _rule(
        "referral:referrer",
        "no medium and no source; any other referrer",
        lambda signs: bool(signs.referrer) and signs.medium in _NOT_SET and signs.source in _NO_SOURCE,
    ),
    _rule("direct", "no medium, source, click id or referrer", _is_nowhere),
    _rule("unassigned", "something is said that no rule knows", lambda _signs: True),
)
"""In this order. The order is part of the meaning: what was paid for is ads, whoever the source is."""


@lru_cache(maxsize=8192)
def decide(signs: Signs) -> Decision:
    """What the first rule that holds says."""
    return next(Decision(rule.channel.value, rule.name) for rule in RULES if rule.holds(signs))
