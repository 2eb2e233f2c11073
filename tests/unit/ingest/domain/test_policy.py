"""Policies: what may be written, and what it means."""

import pytest

from services.ingest.domain.channel import Signs
from services.ingest.domain.policy import DEFAULT, EEA, InvalidPolicy, Policy, read_policy, terms_by, terms_of, written

_RULE = '{"name":"a","channel":"ads","when":{"source":"x"}}'


def test_nothing_decided_is_every_default() -> None:
    assert read_policy(b"{}") == Policy()
    assert read_policy(written(Policy())) == Policy()
    assert terms_by("{}").policy == DEFAULT.policy
    assert terms_by("{}") is terms_by("{}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "object"),
        ('{"chanels":[]}', "a policy has no `chanels`"),
        ('{"own_traffic":{"adresses":[]}}', "a policy has no `own_traffic.adresses`: did you mean addresses? one of"),
        ('{"channels":[{"name":"a","channel":"ads","when":{"sauce":"x","source":"y"}}]}', "channels.0.when.sauce"),
        ('{"channels":[{"name":"a","channel":"ads","when":{}}]}', "has no condition"),
        ('{"channels":[{"name":"A b","channel":"ads","when":{"source":"x"}}]}', "name"),
        ('{"channels":[{"name":"a","channel":"moon","when":{"source":"x"}}]}', "moon"),
        (f'{{"channels":[{_RULE},{_RULE}]}}', "the same name"),
        ('{"own_traffic":{"addresses":["10.0.0.0/40"]}}', "neither an address nor a network"),
        ('{"consent":{"regions":{"Denmark":"required"}}}', "`Denmark` in `consent.regions` is no country's code"),
        ('{"consent":{"regions":{"UK":"required"}}}', "write GB"),
        ('{"consent":{"regions":{"dk":"required"}}}', "write DK"),
        ('{"consent":{"regions":{"EU":"required"}}}', "write EEA"),
        ('{"consent":{"regions":{"XX":"required"}}}', "`XX` in `consent.regions`"),
        ('{"consent":{"regions":{"false":"required"}}}', "`false` in `consent.regions`"),
        ('{"consent":{"default":"perhaps"}}', "perhaps"),
        ('{"bots":"eat"}', "eat"),
        ('{"time":{"past_days":0}}', "past_days"),
        ("{", "truncated"),
        ('{"own_hosts":["https://shop.example"]}', "own_hosts"),
    ],
)
def test_what_is_no_policy_says_where_and_why(text: str, why: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        read_policy(text.encode())

    assert why.lower() in str(caught.value).lower()


def test_a_region_that_an_older_version_took_is_still_read() -> None:
    assert terms_by('{"bots":"drop","consent":{"regions":{"UK":"required"}}}').policy.bots == "drop"


def test_what_a_later_version_wrote_is_read_as_far_as_it_is_known() -> None:
    assert terms_by('{"bots":"drop","moods":["new"]}').policy == Policy(bots="drop")


@pytest.mark.parametrize(
    ("signs", "rule"),
    [
        (Signs(source="portal-dk"), "workspace:portal"),
        (Signs(source="portal"), None),
        (Signs(source="portal-se", medium="cpc"), "workspace:portal"),
        (Signs(campaign="q3 [brand] push"), "workspace:brand"),
        (Signs(campaign="q3 b"), None),
        (Signs(referrer="news.partner.example", kind="page_viewed"), "workspace:partner"),
        (Signs(referrer="news.partner.example", kind="order_completed"), None),
        (Signs(), None),
    ],
)
def test_own_rules_hold_when_all_their_patterns_do(signs: Signs, rule: str | None) -> None:
    said = """{"channels": [
        {"name": "portal", "channel": "referral", "when": {"source": "Portal-*"}},
        {"name": "brand", "channel": "ads", "when": {"campaign": "*[brand]*"}},
        {"name": "partner", "channel": "event", "when": {"referrer": "*.partner.example", "kind": "page_*"}}
    ]}"""

    decided = terms_of(read_policy(said.encode())).decide(signs)

    assert (decided.rule if decided else None) == rule


def test_consent_is_asked_for_by_country_then_by_area_then_anywhere() -> None:
    said = b'{"consent":{"default":"required","regions":{"EEA":"required","NO":"assumed","US":"assumed"}}}'
    terms = terms_of(read_policy(said))

    assert {country: terms.needs_consent(country) for country in ("DK", "NO", "US", "JP", None)} == {
        "DK": True,
        "NO": False,
        "US": False,
        "JP": True,
        None: True,
    }
    assert len(EEA) == 30


def test_own_traffic_is_known_by_network_and_domain() -> None:
    said = b'{"own_traffic":{"addresses":["203.0.113.0/28","2001:db8::/32"],"email_domains":["acme.example"]}}'
    terms = terms_of(read_policy(said))

    assert [terms.is_own_address(text) for text in ("203.0.113.7", "203.0.113.77", "2001:db8::1", "x")] == [
        True,
        False,
        True,
        False,
    ]
    assert [terms.is_own_email(text) for text in ("a@acme.example", "b@DK.acme.example", "c@notacme.example")] == [
        True,
        True,
        False,
    ]
