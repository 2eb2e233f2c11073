"""What a touchpoint says about consent. Ingest enforces what it says itself; the fold, what was said anywhere."""

from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

GRANTED: Final = "granted"
DENIED: Final = "denied"
_MAX_PURPOSES: Final = 32

_PURPOSES: Final = {
    "analytics": "analytics",
    "statistics": "analytics",
    "performance": "analytics",
    "advertising": "marketing",
    "marketing": "marketing",
    "targeting": "marketing",
    "functional": "profiling",
    "personalisation": "profiling",
    "personalization": "profiling",
    "profiling": "profiling",
}


def check_words(consent: Mapping[str, str], pointer: str) -> None:
    """Raise Refused when a purpose is neither granted nor denied."""
    if len(consent) > _MAX_PURPOSES:
        raise Refused(Code.TOO_LARGE, pointer, f"consent names at most {_MAX_PURPOSES} purposes")
    if not all(word in {GRANTED, DENIED} for word in consent.values()):
        raise Refused(Code.UNKNOWN_VALUE, pointer, "consent is granted or denied")


def from_categories(categories: Mapping[str, Any]) -> dict[str, str]:
    """Consent as tag managers say it, ``{"Advertising": false}``; what we know no purpose for is left out."""
    said: dict[str, str] = {}
    for name, value in categories.items():
        purpose = _PURPOSES.get(name.lower())
        if purpose is not None and isinstance(value, bool):
            said[purpose] = GRANTED if value else DENIED
    return said


def enforce(consent: Mapping[str, str], kind: str) -> None:
    """Raise Refused when the touchpoint itself says that it may not be analysed.

    A touchpoint that only tells the person's decision is what the fold needs in order to obey it, so it passes.
    """
    if consent.get("analytics") == DENIED and not kind.startswith("consent_"):
        raise Refused(Code.CONSENT_DENIED, "/consent/analytics", "consent to analytics is denied, so nothing is kept")
