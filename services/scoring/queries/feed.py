"""The change feed: what the relay has numbered, and nothing else, so there are no gaps by construction (core 5)."""

from typing import Final, NamedTuple
from uuid import UUID

from shared.database.connection import Connection
from shared.vocabulary import TopicName

_SERVICE: Final = "scoring"
_NEXT: Final = """
    SELECT sequence, value FROM streaming.outbox
    WHERE workspace_id = $1 AND topic = $2 AND service = $3 AND sequence > $4
    ORDER BY sequence LIMIT $5
"""
_LAST: Final = """
    SELECT last_sequence FROM streaming.sequence WHERE workspace_id = $1 AND topic = $2 AND service = $3
"""


class Numbered(NamedTuple):
    """A lead change as it was published, but for its number."""

    sequence: int
    value: bytes


async def after(connection: Connection, workspace: UUID, sequence: int, limit: int) -> list[Numbered]:
    """The changes still kept that come after a number, in order."""
    rows = await connection.fetch(_NEXT, workspace, TopicName.CHANGES, _SERVICE, sequence, limit)
    return [Numbered(row[0], row[1]) for row in rows]


async def last(connection: Connection, workspace: UUID) -> int:
    """The last number given, 0 before the first."""
    return int(await connection.fetchval(_LAST, workspace, TopicName.CHANGES, _SERVICE) or 0)
