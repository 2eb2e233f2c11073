"""Channels: the rules in order, and what they are read from."""

import pytest

from services.ingest.domain.channel import RULES, Signs, decide, foreign_site, site_of
from services.ingest.domain.landing import read_address
from shared.vocabulary import Channel

_NO_SIGNS = Signs("", "", "", "", "page_viewed")


@pytest.mark.parametrize(
    ("signs", "rule", "channel"),
    [
        ({"medium": "cpc", "source": "google"}, "paid medium", Channel.ADS),
        ({"medium": "paid-social", "source": "facebook"}, "paid medium", Channel.ADS),
        ({"medium": "retargeting"}, "paid medium", Channel.ADS),
        ({"medium": "cpm"}, "paid medium", Channel.ADS),
        ({"medium": "banner"}, "display medium", Channel.ADS),
        ({"medium": "cross-network"}, "cross-network", Channel.ADS),
        ({"medium": "email"}, "email medium or source", Channel.EMAIL),
        ({"source": "newsletter"}, "email medium or source", Channel.EMAIL),
        ({"medium": "social"}, "social medium", Channel.SOCIAL),
        ({"medium": "organic", "source": "google"}, "organic medium", Channel.SEARCH),
        ({"medium": "affiliate"}, "referral medium", Channel.REFERRAL),
        ({"medium": "sms"}, "phone medium", Channel.PHONE),
        ({"medium": "qr"}, "offline medium", Channel.OFFLINE),
        ({"medium": "vr"}, "immersive medium", Channel.IMMERSIVE),
        ({"medium": "webinar"}, "webinar medium", Channel.WEBINAR),
        ({"medium": "conference"}, "event medium", Channel.EVENT),
        ({"medium": "livechat"}, "chat medium", Channel.CHAT),
        ({"click": "gclid"}, "ad click id", Channel.ADS),
        ({"click": "mc_eid"}, "mail click id", Channel.EMAIL),
        ({"click": "irclickid"}, "partner click id", Channel.REFERRAL),
        ({"click": "fbclid"}, "shared click id", Channel.SOCIAL),
        ({"click": "fbclid", "medium": "paid"}, "paid medium", Channel.ADS),
        ({"source": "linkedin"}, "social source", Channel.SOCIAL),
        ({"source": "bing"}, "search source", Channel.SEARCH),
        ({"referrer": "mail.google.com"}, "mail referrer", Channel.EMAIL),
        ({"referrer": "google.co.uk"}, "search referrer", Channel.SEARCH),
        ({"referrer": "duckduckgo.com"}, "search referrer", Channel.SEARCH),
        ({"referrer": "l.facebook.com"}, "social referrer", Channel.SOCIAL),
        ({"referrer": "t.co"}, "social referrer", Channel.SOCIAL),
        ({"referrer": "blog.example"}, "other referrer", Channel.REFERRAL),
        ({"kind": "email_opened"}, "kind email_*", Channel.EMAIL),
        ({"kind": "ad_clicked"}, "kind ad_*", Channel.ADS),
        ({"kind": "webinar_attended"}, "kind webinar_*", Channel.WEBINAR),
        ({"kind": "call_made"}, "kind call_*", Channel.PHONE),
        ({"kind": "chat_started"}, "kind chat_*", Channel.CHAT),
        ({"kind": "meeting_booked"}, "kind meeting_*", Channel.MEETING),
        ({"kind": "opportunity_opened"}, "kind opportunity_*", Channel.SALES),
        ({"kind": "event_attended"}, "kind event_*", Channel.EVENT),
        ({"kind": "store_visited"}, "kind store_*", Channel.OFFLINE),
        ({"kind": "vr_entered"}, "kind vr_*", Channel.IMMERSIVE),
        ({}, "direct", Channel.WEB),
        ({"medium": "carrier pigeon"}, "direct", Channel.WEB),
    ],
)
def test_first_rule_that_holds_decides(signs: dict[str, str], rule: str, channel: Channel) -> None:
    decided = decide(_NO_SIGNS._replace(**signs))

    assert (decided.name, decided.channel) == (rule, channel)


def test_every_channel_can_be_found_and_every_rule_has_its_own_name() -> None:
    assert {rule.channel for rule in RULES} == set(Channel)
    assert len({rule.name for rule in RULES}) == len(RULES)


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


def test_own_site_is_no_referrer() -> None:
    assert foreign_site("https://shop.example/a", "https://www.shop.example/b") == ""
    assert foreign_site("https://other.example/a", "https://shop.example/b") == "other.example"


@pytest.mark.parametrize(
    ("address", "utm", "click"),
    [
        ("https://x?utm_source=a&utm_medium=cpc&utm_campaign=x", {"source": "a", "medium": "cpc", "campaign": "x"}, ""),
        ("?utm_source=a&utm_source=b", {"source": "b"}, ""),
        ("?UTM_Source=a", {"source": "a"}, ""),
        ("?utm_source=&utm_medium=email", {"medium": "email"}, ""),
        ("?utm_campaign=spring%20sale+1", {"campaign": "spring sale 1"}, ""),
        ("?utm_id=77&utm_term=t&utm_content=c", {"id": "77", "term": "t", "content": "c"}, ""),
        ("https://x/p?a=1&gclid=G123#top", {}, "gclid:G123"),
        ("?ScCid=S", {}, "sccid:S"),
        ("?myutm_source=a&notgclid=1", {}, ""),
        ("https://x/p", {}, ""),
        ("?utm_source=a%00b", {"source": "ab"}, ""),
    ],
)  # fmt: skip
def test_address_says_how_someone_came(address: str, utm: dict[str, str], click: str) -> None:
    landing = read_address(address)

    assert (landing.utm, landing.click) == (utm, click)
