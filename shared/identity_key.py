"""Identity keys as canonical text: rank digit, type, colon, value; for example ``5user_id:u1``.

Text order within a rank is the byte order that core 2 asks for, and the rank is readable from the first character.
An e-mail never stands in a key: its value is HMAC-SHA256(workspace secret, sha256(normalised address)) in hexadecimal,
so that an address and its SHA-256 give the same key.
"""

import hashlib
import hmac
import unicodedata
from typing import Final
from uuid import UUID

from shared.vocabulary import KEY_RANKS, KeyType

JUNK: Final = frozenset(
    {
        "",
        "0",
        "-1",
        "null",
        "none",
        "nil",
        "nan",
        "undefined",
        "unknown",
        "anonymous",
        "guest",
        "user",
        "visitor",
        "test",
        "true",
        "false",
        "n/a",
        "na",
        "[object object]",
        "00000000-0000-0000-0000-000000000000",
        "noreply@example.com",
    }
)
"""Values that many people share by mistake; they are no key."""


_NAMES: Final = {f"{KEY_RANKS[one]}{one.value}" for one in KeyType if one is not KeyType.EXTERNAL}
_EXTERNAL: Final = f"{KEY_RANKS[KeyType.EXTERNAL]}{KeyType.EXTERNAL.value}."

MAX_VALUE_BYTES: Final = 1_024
"""Of the value in a key, as UTF-8: a key and a touchpoint's id together fit a row of an index of PostgreSQL."""


def is_junk(value: str) -> bool:
    """Whether a value is one that many people share by mistake (``null``, ``anonymous``, only zeros, ...)."""
    folded = value.strip().casefold()
    return folded in JUNK or not folded.strip("0-:. ")


def make(key_type: KeyType, value: str, system: str = "") -> str:
    """The canonical text of a key; ``system`` names the provider of an ``external`` key."""
    name = f"external.{system}" if key_type is KeyType.EXTERNAL else key_type.value
    return f"{KEY_RANKS[key_type]}{name}:{value}"


def email_key(secret: bytes, address: str) -> str:
    """The key of an e-mail address."""
    return email_sha256_key(secret, hashlib.sha256(normalise_email(address).encode()).hexdigest())


def email_sha256_key(secret: bytes, digest: str) -> str:
    """The key of an address given as the hexadecimal SHA-256 of its normalised form."""
    return make(KeyType.EMAIL, hmac.new(secret, digest.lower().encode(), hashlib.sha256).hexdigest())


def normalise_email(address: str) -> str:
    """Trimmed, NFC, lower case; nothing provider-specific (``+tag`` stays)."""
    return unicodedata.normalize("NFC", address.strip()).lower()


def rank(key: str) -> int:
    """5 for a user id down to 1 for an anonymous id."""
    return ord(key[0]) - 48


def is_canonical(key: str) -> bool:
    """Whether it is such a text."""
    name, _, said = key.partition(":")
    return bool(said) and (name in _NAMES or (name.startswith(_EXTERNAL) and name != _EXTERNAL))


def type_name(key: str) -> str:
    """``user_id``, ``email``, ``phone``, ``external.<system>`` or ``anonymous_id``."""
    return key[1 : key.index(":")]


def value(key: str) -> str:
    """What stands behind the colon."""
    return key[key.index(":") + 1 :]


def strongest_first(keys: set[str]) -> tuple[str, ...]:
    """Keys by rank, highest first; equal ranks by their bytes, lowest first."""
    return tuple(sorted(keys, key=lambda key: (-rank(key), key.encode())))


def lead_id(secret: bytes, key: str) -> UUID:
    """The id of the lead whose root is ``key``: a keyed hash, the same in any order of arrival and in a rebuild."""
    return UUID(bytes=hashlib.blake2b(key.encode(), digest_size=16, key=secret[:64], person=b"tragt-lead").digest())
