"""What a click redirect gives the landing page, so that its tracker can say which mail brought the visitor.

The token is the person's key, sealed: nobody without the workspace's secret can read or make one. It is good for half
an hour and only at our own door, where it becomes that key again; so the touchpoint that carries it links the browser
to the person, as any two keys in one touchpoint do (core 2).
"""

import base64
import binascii
import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.clock import MINUTE, SECOND

GOOD_FOR: Final = 30 * MINUTE
_INSTANT_BYTES: Final = 5
_MAX_LENGTH: Final = 2_048


def seal(key: str, now: int, secret: bytes) -> str:
    """The token of an identity key, made at ``now``."""
    said = (now // SECOND).to_bytes(_INSTANT_BYTES, "big") + key.encode()
    return base64.urlsafe_b64encode(_box(secret).encrypt(said, None)).rstrip(b"=").decode()


def unseal(token: str, now: int, secret: bytes) -> str | None:
    """The key in a token; None when it is not ours or too old."""
    if len(token) > _MAX_LENGTH:
        return None
    try:
        said = _box(secret).decrypt(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), None)
    except (InvalidTag, binascii.Error, ValueError):
        return None
    age = now - int.from_bytes(said[:_INSTANT_BYTES], "big") * SECOND
    return said[_INSTANT_BYTES:].decode() if 0 <= age <= GOOD_FOR else None


def _box(secret: bytes) -> AESSIV:
    """Without a nonce: the same key at the same instant has the same token, and nothing is learnt from that."""
    return AESSIV(hashlib.blake2b(b"", digest_size=32, key=secret[:64], person=b"tragt-click").digest())
