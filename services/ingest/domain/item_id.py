"""The id of an item: its own, else made from its content when it carries its own time, else random.

An id made from content absorbs a retry, which differs only in when it was sent. Without a time of its own two equal
items may well be two things that happened.
"""

import hashlib
import re
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

MAX_LENGTH: Final = 200
_DIGEST_BYTES: Final = 16

SOURCES: Final = frozenset(
    {
        "activecampaign",
        "adobe",
        "aweber",
        "brevo",
        "calendly",
        "google_ads",
        "hubspot",
        "hubspot-contacts",
        "hubspot-deals",
        "instapage",
        "intercom",
        "leadpages",
        "line",
        "linkedin",
        "mailchimp",
        "mailgun",
        "mandrill",
        "marketo",
        "meta",
        "pardot",
        "postmark",
        "salesforce",
        "salesforce-contacts",
        "salesforce-leads",
        "salesforce-opportunities",
        "sendgrid",
        "ses",
        "tiktok",
        "unbounce",
        "wechat",
        "zendesk",
        "zoho",
        "zoho-contacts",
        "zoho-deals",
        "zoho-leads",
    }
)
"""What stands before the colon in ids of webhooks and of ready mappings; a test holds them together."""

_MAPPED: Final = "mapped."
_MADE_HERE: Final = ("row-", "split-")
_MADE: Final = re.compile(r"(?:row-[0-9a-f]{32}-[0-9]+(?:-[0-9]+)?|split-[0-9a-f]{32})")
"""Rows of imports, and splits that are asked for at scoring."""


def own_id(value: Any, pointer: str) -> str | None:
    """An item's own id, None when it has none. Raises Refused when it is no text or number, or too long."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Refused(Code.WRONG_TYPE, pointer, "an id is text or a whole number")
    if len(value) > MAX_LENGTH:
        raise Refused(Code.TOO_LONG, pointer, f"an id has at most {MAX_LENGTH} characters")
    return value


def content_id(content: bytes) -> str:
    """The id of an item by its bytes."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, person=b"tragt-item").hexdigest()


def check_public(item_id: str, pointer: str) -> None:
    """Raise Refused when an id that came with a key that everybody can read is one that our own ways give.

    The first touchpoint of an id stands for ever, so that whoever guesses the id of a provider's event, of a row to be
    imported or of a split could keep it from ever counting.
    """
    if is_reserved(item_id):
        raise Refused(Code.ID_RESERVED, pointer, "only a secret key may send ids of webhooks, imports and splits")


def is_reserved(item_id: str) -> bool:
    """Whether it has the form of ids that webhooks, imports or splits have. No client library makes such ones."""
    source, colon, _ = item_id.partition(":")
    if colon:
        return source in SOURCES or source.startswith(_MAPPED)
    return item_id.startswith(_MADE_HERE) and _MADE.fullmatch(item_id) is not None
