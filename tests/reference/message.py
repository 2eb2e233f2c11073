"""A touchpoint message as plain JSON, and the few things that are read from it."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

Message = Mapping[str, Any]

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND


def rank(key: str) -> int:
    """5 for a user id, 4 e-mail, 3 phone, 2 external, 1 anonymous id: the first character says it."""
    return int(key[0])


def is_device(key: str) -> bool:
    return rank(key) == 1


def is_external(key: str) -> bool:
    return rank(key) == 2


def is_email(key: str) -> bool:
    return rank(key) == 4


def is_user(key: str) -> bool:
    return rank(key) == 5


def strand(message: Message) -> str:
    """The highest-ranked key it carries itself; of equal ranks the one with the lower bytes."""
    keys: list[str] = list(message["keys"])
    return min(keys, key=lambda key: (-rank(key), key.encode()))


def is_lead_s(message: Message) -> bool:
    """Whether it is the lead's own doing: not marked as a bot's, or as the workspace's."""
    return not message.get("marks")


def voice(message: Message) -> str:
    """Who says what it says of consent: its weakest key, of equal ranks the one with the higher bytes."""
    keys: list[str] = list(message["keys"])
    return min(keys, key=lambda key: (rank(key), [-byte for byte in key.encode()]))


def order(message: Message) -> tuple[int, bytes]:
    """The order inside a lead."""
    return message["occurred_at"], message["id"].encode()


def distinct(messages: Iterable[Message]) -> list[Message]:
    """Each touchpoint once: the first of each id."""
    first: dict[str, Message] = {}
    for message in messages:
        first.setdefault(message["id"], message)
    return list(first.values())


def lead_id(secret: bytes, root: str) -> str:
    """The id of the lead with this root: a hash of the key under the workspace's secret, as UUID text."""
    digest = hashlib.blake2b(root.encode(), digest_size=16, key=secret[:64], person=b"tragt-lead").digest()
    return str(UUID(bytes=digest))
