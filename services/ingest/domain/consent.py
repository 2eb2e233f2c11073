"""What a touchpoint says about consent. Ingest enforces what it says itself; the fold, what was said anywhere.

Whatever words a consent platform has, here there are three purposes: ``analytics`` (it may be kept and counted),
``profiling`` (it may make a picture of a person: scores, segments) and ``marketing`` (the person may be addressed, and
told to advertisers). Where a touchpoint says two things about one purpose, the denial holds. A word is read generously,
``DENIED`` and ``false`` are denials; what is neither is refused where it must be a word, and left out elsewhere.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

GRANTED: Final = "granted"
DENIED: Final = "denied"
ANALYTICS: Final = "analytics"
PROFILING: Final = "profiling"
MARKETING: Final = "marketing"

_MAX_PURPOSES: Final = 32
_WORDS: Final = {GRANTED: GRANTED, "true": GRANTED, DENIED: DENIED, "false": DENIED}
"""In lower case. Forms, cells of a file and mappings have truth values as text."""

_PURPOSES: Final = {
    "analytics": ANALYTICS,
    "statistics": ANALYTICS,
    "performance": ANALYTICS,
    "advertising": MARKETING,
    "marketing": MARKETING,
    "targeting": MARKETING,
    "functional": PROFILING,
    "personalisation": PROFILING,
    "personalization": PROFILING,
    "profiling": PROFILING,
}
"""The categories of tag managers and consent platforms, in lower case."""

GOOGLE: Final = {
    "analytics_storage": ANALYTICS,
    "ad_storage": MARKETING,
    "ad_user_data": MARKETING,
    "ad_personalization": PROFILING,
    "personalization_storage": PROFILING,
}
"""The types of Google's consent mode."""

TCF: Final = {ANALYTICS: (1, 8), PROFILING: (1, 3, 5), MARKETING: (1, 2, 4)}
"""The purposes of the TCF that each of ours takes, all of them: a granted one is consent, its absence a denial."""

_NAMES: Final = {**_PURPOSES, **GOOGLE}
_OURS: Final = {**{purpose: purpose for purpose in TCF}, **GOOGLE}

_TCF_VERSION: Final = 2
_TCF_PURPOSES_AT: Final = 152
"""The bit of the core segment at which consent to purposes begins, one bit each."""

_TCF_PURPOSES: Final = 24
_MAX_TCF: Final = 8_192
_TCF_NAMES: Final = ("tcf", "tcString", "tc_string", "tcfConsent", "gdpr_consent")
_SHAPES: Final = frozenset({"categoryPreferences", "allowedConsentIds", "deniedConsentIds", "gpc", *_TCF_NAMES})
_TOLD_UNDER: Final = frozenset({"consent", "consentManagement", "gpc", *_TCF_NAMES})


def word_of(value: Any) -> str | None:
    """``granted`` or ``denied``, in whatever case, or as a truth value; None when it is neither."""
    if isinstance(value, str):
        return _WORDS.get(value) or _WORDS.get(value.strip().lower())
    return (GRANTED if value else DENIED) if isinstance(value, bool) else None


def said_of(consent: Mapping[str, Any], pointer: str) -> dict[str, str]:
    """Consent by purpose, each of which must be told in a word; a purpose that we do not know stays as it is called.

    Raises Refused.
    """
    if len(consent) > _MAX_PURPOSES:
        raise Refused(Code.TOO_LARGE, pointer, f"consent names at most {_MAX_PURPOSES} purposes")
    found: dict[str, str] = {}
    for name, value in consent.items():
        word = (_WORDS.get(value) if type(value) is str else None) or word_of(value)
        if word is None:
            place = name.replace("~", "~0").replace("/", "~1")
            raise Refused(Code.UNKNOWN_VALUE, f"{pointer}/{place}", "consent is granted or denied")
        purpose = _NAMES.get(name) or _purpose(name) or name
        if found.get(purpose) != DENIED:
            found[purpose] = word
    return found


def from_categories(categories: Mapping[str, Any]) -> dict[str, str]:
    """Consent as tag managers say it, ``{"Advertising": false}``; what we know no purpose for is left out."""
    return _strictest((_PURPOSES.get(name.lower()), word_of(value)) for name, value in categories.items())


def from_google(said: Mapping[str, Any]) -> dict[str, str]:
    """Consent by our purposes, or as Google's consent mode says it, ``{"analytics_storage": "denied"}``; what is no
    word is left out.
    """
    return _strictest((_OURS.get(name), word_of(value)) for name, value in said.items())


def from_lists(allowed: Any, denied: Any) -> dict[str, str]:
    """Consent as two lists of categories, as RudderStack sends it."""
    told = [(name, GRANTED) for name in _names(allowed)] + [(name, DENIED) for name in _names(denied)]
    return _strictest((_PURPOSES.get(name.lower()), word) for name, word in told)


def from_tcf(text: str) -> dict[str, str]:
    """Consent in a string of the IAB's Transparency and Consent Framework, version 2; empty when it is none.

    Only consent is read, not legitimate interest, vendors or restrictions of publishers.
    """
    core = text.strip().partition(".")[0]
    if not core or len(core) > _MAX_TCF:
        return {}
    try:
        data = base64.urlsafe_b64decode(core + "=" * (-len(core) % 4))
    except (binascii.Error, ValueError):
        return {}
    bits, size = int.from_bytes(data), len(data) * 8
    if size < _TCF_PURPOSES_AT + _TCF_PURPOSES or bits >> (size - 6) != _TCF_VERSION:
        return {}

    def is_granted(purpose: int) -> bool:
        return bool(bits >> (size - _TCF_PURPOSES_AT - purpose) & 1)

    return {ours: GRANTED if all(map(is_granted, theirs)) else DENIED for ours, theirs in TCF.items()}


class Saying(NamedTuple):
    """What a context says of consent, and whether the browser has Global Privacy Control on (``gpc: true``)."""

    said: Mapping[str, str]
    is_opted_out: bool


NOTHING_TOLD: Final = Saying({}, False)


def from_context(context: Mapping[str, Any]) -> Saying:
    """All of it, in whatever words of the above, under ``consent`` or beside it."""
    if _TOLD_UNDER.isdisjoint(context):
        return NOTHING_TOLD
    consent = context.get("consent")
    told = consent if isinstance(consent, Mapping) else {}
    said = [part for part in _sayings(told, context) if part]
    return Saying(merged(*said), context.get("gpc") is True or told.get("gpc") is True)


def merged(*sayings: Mapping[str, str]) -> dict[str, str]:
    """All of them; a denial holds against whatever else says granted."""
    found: dict[str, str] = {}
    for said in sayings:
        for purpose, word in said.items():
            if found.get(purpose) != DENIED:
                found[purpose] = word
    return found


def denies_analytics(told: Mapping[str, Any]) -> bool:
    """Whether what stands under ``consent`` does, by any name of that purpose."""
    return any(_purpose(name) == ANALYTICS and word_of(value) == DENIED for name, value in told.items())


def is_unclear(told: Mapping[str, Any]) -> bool:
    """Whether what stands under ``consent`` may be of analytics and is no word, ``{"analytics": "no"}``."""
    return any(
        _purpose(name) in {ANALYTICS, None} and word_of(value) is None
        for name, value in told.items()
        if name not in _SHAPES
    )


def opted_out(consent: Mapping[str, str]) -> dict[str, str]:
    """With Global Privacy Control: marketing is denied, unless the same touchpoint tells that it was granted."""
    return {MARKETING: DENIED, **consent}


def enforce(consent: Mapping[str, str], kind: str, *, is_required: bool = False) -> None:
    """Raise Refused when the touchpoint itself says that it may not be kept, or does not say so where it must.

    A touchpoint that only tells the person's decision is what the fold needs in order to obey it, so it passes.
    """
    if kind.startswith("consent_"):
        return
    word = consent.get(ANALYTICS)
    if word == DENIED:
        raise Refused(Code.CONSENT_DENIED, "/consent/analytics", "consent to analytics is denied, so nothing is kept")
    if is_required and word != GRANTED:
        detail = "this workspace keeps nothing from there without consent to analytics, and none is told"
        raise Refused(Code.CONSENT_DENIED, "/consent/analytics", detail)


def _purpose(name: str) -> str | None:
    return _NAMES.get(name.strip().lower())


def _sayings(told: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    categories = told.get("categoryPreferences")
    yield from_categories(categories) if isinstance(categories, Mapping) else {}
    yield from_google(told)
    yield from_lists(told.get("allowedConsentIds"), told.get("deniedConsentIds"))
    management = context.get("consentManagement")
    if isinstance(management, Mapping):
        yield from_lists(management.get("allowedConsentIds"), management.get("deniedConsentIds"))
    for place in (told, context):
        yield from (from_tcf(text) for name in _TCF_NAMES if isinstance(text := place.get(name), str))


def _strictest(told: Iterator[tuple[str | None, str | None]]) -> dict[str, str]:
    return merged(*({purpose: word} for purpose, word in told if purpose and word))


def _names(listed: Any) -> list[str]:
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
