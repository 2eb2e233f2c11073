"""A hook's address and the secrets sealed under it.

An address ends in ``th_<id>_<token>``. As of keys only its SHA-256 is kept. What a provider signs with has to be at
hand in clear when a request comes, so it is sealed with a key made from the address itself, which is stored nowhere: a
copy of the database tells nobody a provider's secret, and each request brings what opens its own (docs/decisions/0041).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES: Final = 6
TOKEN_BYTES: Final = 32
NONCE_BYTES: Final = 12
ENTROPY_BYTES: Final = ID_BYTES + TOKEN_BYTES

_KIND: Final = "th"
_PARTS: Final = 3
_TEXT: Final = re.compile(f"{_KIND}_[0-9a-f]{{{2 * ID_BYTES}}}_[0-9a-f]{{{2 * TOKEN_BYTES}}}")
_DECODER: Final = msgspec.json.Decoder(dict[str, list[str]])

Secrets = Mapping[str, Sequence[str]]
"""By name; several of one name while one takes the place of the other."""


def mint(entropy: bytes) -> str:
    """The text of a new hook from ``ENTROPY_BYTES`` random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        message = f"a hook is made of {ENTROPY_BYTES} random bytes, not {len(entropy)}"
        raise ValueError(message)
    return f"{_KIND}_{entropy[:ID_BYTES].hex()}_{entropy[ID_BYTES:].hex()}"


def prefix_of(text: str) -> str:
    """The part of a hook that may be shown and by which it is found: ``th_<id>``. Empty when it is no hook's text."""
    parts = text.split("_")
    return "_".join(parts[:2]) if len(parts) == _PARTS and parts[0] == _KIND else ""


def is_text(text: str) -> bool:
    """Whether it is written as a hook's whole text, so that it may be one."""
    return _TEXT.fullmatch(text) is not None


def seal(text: str, secrets: Secrets, nonce: bytes) -> bytes:
    """The secrets, to be opened with the hook's whole text alone."""
    content = msgspec.json.encode({name: list(values) for name, values in secrets.items()})
    return nonce + _cipher(text).encrypt(nonce, content, prefix_of(text).encode())


def unseal(text: str, sealed: bytes) -> Secrets:
    """The secrets sealed under that text. Raises ValueError when they were not."""
    try:
        content = _cipher(text).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], prefix_of(text).encode())
    except InvalidTag as error:
        message = "these secrets were sealed under another hook"
        raise ValueError(message) from error
    return _DECODER.decode(content)


def _cipher(text: str) -> AESGCM:
    return AESGCM(hashlib.blake2b(text.encode(), digest_size=32, person=b"tragt-hook-seal").digest())
