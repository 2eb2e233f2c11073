"""Who may do what: keys, their scopes and what a request is allowed once its key is known. Pure; storage is elsewhere.

A key reads ``tw_<id>_<token>`` (write key: public, only posts touchpoints, bound to origins) or ``ts_<id>_<token>``
(secret key with scopes). Only its SHA-256 is kept: the token has 256 random bits, so a slow hash would add nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_BYTES: Final = 6
ENTROPY_BYTES: Final = 38
"""How many random bytes ``mint`` needs: 6 for the id and 32 for the token."""


class KeyKind(StrEnum):
    """What a key is for; its value is what the database keeps."""

    WRITE = "write"
    SECRET = "secret"  # noqa: S105 -- the name of a kind


class Scope(StrEnum):
    """What a secret key may do. A write key has ``ingest`` and nothing else, ever."""

    INGEST = "ingest"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


class WireProfile(StrEnum):
    """Whose clients use an SDK key. On routes that protocols share it says how calls are read and answered."""

    NATIVE = "native"
    SEGMENT = "segment"
    RUDDERSTACK = "rudderstack"
    POSTHOG = "posthog"


_PREFIXES: Final = {KeyKind.WRITE: "tw", KeyKind.SECRET: "ts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key as stored, with what is needed of its workspace. Instants are microseconds.

    ``items_per_second`` is how fast it may send to one process, None as fast as any. ``kinds`` are those of the
    touchpoints that it may send, none any. ``policy`` is what the workspace has decided for its door, as JSON that only
    the door reads.
    """

    prefix: str
    workspace: UUID
    workspace_name: str
    secret: bytes
    kind: KeyKind
    digest: bytes
    scopes: frozenset[str]
    origins: frozenset[str]
    protocol: str
    expires_at: int | None
    revoked_at: int | None
    items_per_second: int | None = None
    kinds: frozenset[str] = frozenset()
    policy: str = "{}"

    def is_usable(self, now: int) -> bool:
        """Whether it is neither revoked nor expired at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A request whose key was found good: whose data it may touch and how. ``secret`` keys the workspace's hashes."""

    workspace: UUID
    workspace_text: str
    workspace_name: str
    secret: bytes
    key_prefix: str
    kind: KeyKind
    scopes: frozenset[str]
    origins: frozenset[str]
    protocol: str
    items_per_second: int | None = None
    kinds: frozenset[str] = frozenset()
    policy: str = "{}"

    def may(self, scope: Scope) -> bool:
        """Whether the key carries the scope."""
        return scope in self.scopes


class AccessSource(Protocol):
    """Where keys come from."""

    async def load(self) -> Sequence[AccessKey]:
        """All keys that are not revoked, or all keys. Raises Transient when the database is away."""
        ...

    async def wait_changed(self, timeout_seconds: float) -> None:
        """Return when keys may have changed, at the latest after the timeout. Never raises for an outage."""
        ...


def principal_of(key: AccessKey) -> Principal:
    """What a good key entitles to."""
    return Principal(
        workspace=key.workspace,
        workspace_text=str(key.workspace),
        workspace_name=key.workspace_name,
        secret=key.secret,
        key_prefix=key.prefix,
        kind=key.kind,
        scopes=frozenset({Scope.INGEST}) if key.kind is KeyKind.WRITE else key.scopes,
        origins=key.origins,
        protocol=key.protocol,
        items_per_second=key.items_per_second,
        kinds=key.kinds,
        policy=key.policy,
    )


def mint(kind: KeyKind, entropy: bytes) -> str:
    """The text of a new key from ``ENTROPY_BYTES`` random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        message = f"a key is made of {ENTROPY_BYTES} random bytes, not {len(entropy)}"
        raise ValueError(message)
    return f"{_PREFIXES[kind]}_{_base62(entropy[:_ID_BYTES], 8)}_{_base62(entropy[_ID_BYTES:], 43)}"


def prefix_of(text: str) -> str:
    """The part of a key that may be shown and by which it is found: ``tw_<id>``. Empty when it is no key's text."""
    parts = text.split("_", 2)
    if len(parts) != len(("kind", "id", "token")) or parts[0] not in _PREFIXES.values():
        return ""
    return f"{parts[0]}_{parts[1]}"


def digest_of(text: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _base62(value: bytes, width: int) -> str:
    number = int.from_bytes(value, "big")
    digits: list[str] = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
