"""What of refused bytes is the same when they are sent again, by which a retry is told from something else."""

import hashlib
from typing import Any, Final

import msgspec

from services.ingest.protocols.reading import canonical

_OF_THE_SENDING: Final = frozenset(
    {"sent_at", "sentAt", "stm", "nuid", "offset", "writeKey", "api_key", "token", "_metadata"}
)
"""Members of items and of the bodies around them, in all protocols, that are another the next time they are sent."""

_ANYTHING: Final = msgspec.json.Decoder()
_DIGEST_BYTES: Final = 8


def fingerprint(payload: bytes, *also: str) -> bytes:
    """The same for an item, or a whole body, and its retry, in whatever order its members are written; 8 bytes.

    ``also`` is what must be the same as well.
    """
    hashed = hashlib.blake2b(_lasting(payload), digest_size=_DIGEST_BYTES, person=b"tragt-retry")
    for text in also:
        hashed.update(b"\0" + text.encode("utf-8", "replace"))
    return hashed.digest()


def _lasting(payload: bytes) -> bytes:
    try:
        said = _ANYTHING.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return payload
    if isinstance(said, dict):
        said = {name: _each(value) for name, value in said.items() if name not in _OF_THE_SENDING}
    return canonical({"": _each(said)}, payload)


def _each(value: Any) -> Any:
    """A list without what is of the sending in its items; any other value as it is."""
    if not isinstance(value, list):
        return value
    return [
        {name: said for name, said in item.items() if name not in _OF_THE_SENDING} if isinstance(item, dict) else item
        for item in value
    ]
