"""Consent in the words of others, and what holds where they disagree."""

import base64
from typing import Any

import pytest

from services.ingest.domain import consent
from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

_ALL = {"analytics": "granted", "profiling": "granted", "marketing": "granted"}


def _tcf(*purposes: int, version: int = 2) -> str:
    """A core segment as clients send it: consent to these purposes stands at bit 152."""
    bits = version << (208 - 6)
    for purpose in purposes:
        bits |= 1 << (208 - 152 - purpose)
    return base64.urlsafe_b64encode(bits.to_bytes(26)).decode().rstrip("=") + ".YAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({}, {}),
        ({"locale": "da-DK"}, {}),
        (
            {"consent": {"categoryPreferences": {"Advertising": False, "Analytics": True, "Functional": True}}},
            {"marketing": "denied", "analytics": "granted", "profiling": "granted"},
        ),
        (
            {"consent": {"analytics_storage": "granted", "ad_storage": "granted", "ad_user_data": "denied"}},
            {"analytics": "granted", "marketing": "denied"},
        ),
        ({"consent": {"ad_personalization": "DENIED", "security_storage": "granted"}}, {"profiling": "denied"}),
        (
            {"consentManagement": {"allowedConsentIds": ["analytics"], "deniedConsentIds": ["Marketing", 7, "C0009"]}},
            {"analytics": "granted", "marketing": "denied"},
        ),
        ({"consent": {"tcf": _tcf(*range(1, 11))}}, _ALL),
        ({"tcString": _tcf(1, 8)}, {"analytics": "granted", "profiling": "denied", "marketing": "denied"}),
        ({"gdpr_consent": _tcf()}, dict.fromkeys(_ALL, "denied")),
        ({"consent": {"tcf": _tcf(*range(1, 11), version=1)}}, {}),
        ({"consent": {"tcf": "no such string"}}, {}),
        ({"consent": {"tcf": "æ"}}, {}),
        ({"consent": {"tcf": "CA"}}, {}),
        (
            {"consent": {"tcf": _tcf(*range(1, 11)), "analytics_storage": "denied"}},
            {**_ALL, "analytics": "denied"},
        ),
        ({"consent": {"analytics": "Denied", "profiling": True}}, {"analytics": "denied", "profiling": "granted"}),
        ({"consent": {"categoryPreferences": {"Analytics": "DENIED", "Marketing": 1}}}, {"analytics": "denied"}),
        ({"consent": "yes"}, {}),
        ({"consent": {"categoryPreferences": "all"}, "consentManagement": []}, {}),
    ],
)
def test_consent_is_read_in_the_words_of_others(context: dict[str, Any], said: dict[str, str]) -> None:
    assert consent.from_context(context).said == said


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"analytics": "granted"}, {"analytics": "granted"}),
        ({"analytics": "DENIED", "marketing": " Granted "}, {"analytics": "denied", "marketing": "granted"}),
        ({"analytics": False, "marketing": True}, {"analytics": "denied", "marketing": "granted"}),
        ({"analytics": "false", "profiling": "TRUE"}, {"analytics": "denied", "profiling": "granted"}),
        ({"Analytics": "denied", " MARKETING ": "denied"}, {"analytics": "denied", "marketing": "denied"}),
        ({"ad_storage": "denied", "Advertising": "granted"}, {"marketing": "denied"}),
        ({"analytics_storage": "denied", "analytics": "granted"}, {"analytics": "denied"}),
        ({"Newsletter": "granted"}, {"Newsletter": "granted"}),
    ],
)
def test_what_is_plainly_meant_is_read(said: dict[str, Any], read: dict[str, str]) -> None:
    assert consent.said_of(said, "/consent") == read


@pytest.mark.parametrize("word", ["no", "yes", "", 0, 1, 1.0, None, [], {}, ["denied"]])
def test_what_is_no_word_is_refused_where_it_stands(word: Any) -> None:
    with pytest.raises(Refused) as caught:
        consent.said_of({"marketing": "granted", "analytics": word}, "/consent")

    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (Code.UNKNOWN_VALUE, "/consent/analytics")


def test_tcf_string_of_the_framework_s_own_documentation() -> None:
    """Of the IAB's description of version 2: purposes 1, 2 and 3 (and legitimate interests that are not read)."""
    text = "COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA"

    assert set(consent.from_tcf(text)) == {"analytics", "profiling", "marketing"}


@pytest.mark.parametrize(
    ("context", "is_opted_out"),
    [({"gpc": True}, True), ({"consent": {"gpc": True}}, True), ({"gpc": "1"}, False), ({"consent": {}}, False)],
)
def test_global_privacy_control_may_stand_in_the_context(context: dict[str, Any], is_opted_out: bool) -> None:
    assert consent.from_context(context).is_opted_out is is_opted_out


def test_opting_out_denies_marketing_unless_it_was_granted_there() -> None:
    assert consent.opted_out({}) == {"marketing": "denied"}
    assert consent.opted_out({"marketing": "granted"}) == {"marketing": "granted"}


@pytest.mark.parametrize("said", [{}, {"marketing": "granted"}, {"analytics": "denied"}])
def test_consent_that_must_be_told_is_asked_for(said: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        consent.enforce(said, "page_viewed", is_required=True)

    assert caught.value.refusal.code is Code.CONSENT_DENIED


@pytest.mark.parametrize(("said", "kind"), [({"analytics": "granted"}, "page_viewed"), ({}, "consent_changed")])
def test_what_tells_consent_passes(said: dict[str, str], kind: str) -> None:
    consent.enforce(said, kind, is_required=True)
