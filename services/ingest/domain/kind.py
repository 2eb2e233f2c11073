"""Touchpoint kinds: what happened, as ``noun_verbed`` in snake case."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code, Kind

MAX_LENGTH: Final = 100
_MAX_NAME: Final = 4 * MAX_LENGTH
"""Of an event as it is named: normalising Unicode takes time by the square of its length."""

_HUMP: Final = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP: Final = re.compile(r"[\W_]+")

RESERVED: Final = frozenset({Kind.IDENTIFIED, Kind.ALIASED, Kind.UNLINKED, Kind.ACCOUNT_JOINED})
"""Kinds that join or cut identities; a free event name may not pose as one."""

STANDARD: Final = {
    "product_added": "cart_item_added",
    "product_removed": "cart_item_removed",
    "order_canceled": "order_cancelled",
    "subscription_canceled": "subscription_cancelled",
    "trial_canceled": "trial_cancelled",
    "email_marked_as_spam": "email_complained",
    "unsubscribed": "email_unsubscribed",
    "email_clicked": "email_link_clicked",
    "link_clicked_in_email": "email_link_clicked",
    "email_open": "email_opened",
    "segment_consent_preference_updated": "consent_updated",
}
"""Standard names of others for what has a name here."""


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """``Order Completed``, ``orderCompleted`` and ``order-completed`` are all ``order_completed``."""
    parted = _HUMP.sub("_", unicodedata.normalize("NFC", name))
    return _GAP.sub("_", parted).strip("_").lower()


def kind_of_event(name: str) -> str:
    """The kind of a free event name, or empty when it cannot be one."""
    return _kind_of_event(name) if len(name) <= _MAX_NAME else ""


@lru_cache(maxsize=4096)
def _kind_of_event(name: str) -> str:
    kind = snake_case(name)
    return "" if kind in RESERVED or len(kind) > MAX_LENGTH else STANDARD.get(kind, kind)


def check_kind(kind: str, pointer: str) -> None:
    """Raise Refused unless ``kind`` is already written as kinds are."""
    if len(kind) > MAX_LENGTH:
        raise Refused(Code.TOO_LONG, pointer, f"a kind has at most {MAX_LENGTH} characters")
    if not is_kind(kind):
        raise Refused(Code.INVALID_KIND, pointer, "a kind is lower case words joined by _, such as order_completed")


@lru_cache(maxsize=4096)
def is_kind(text: str) -> bool:
    """Whether it is written as kinds are."""
    return 0 < len(text) <= MAX_LENGTH and snake_case(text) == text


def is_form(kind: str) -> bool:
    """Whether it is somebody filling in a form, so that an e-mail among its fields is that person's."""
    return kind.startswith("form_") or kind.endswith(("_submitted", "_requested", "_registered", "signed_up"))
