"""The id of an item: its own, else made from its content when it carries its own time, else random.

An id made from content absorbs a retry, which differs only in when it was sent. Without a time of its own two equal
items may well be two things that happened.
"""

import hashlib
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

MAX_LENGTH: Final = 200
_DIGEST_BYTES: Final = 16


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
