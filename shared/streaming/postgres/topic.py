"""A topic of the embedded log, as its tables know it."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from shared.errors import Misconfigured

_FIND: Final = "SELECT id, partitions FROM streaming.topic WHERE name = $1"


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """Its number names its tables and channels."""

    id: int
    name: str
    partitions: int

    @property
    def table(self) -> str:
        """Where its records are."""
        return f"streaming.record_{self.id}"

    @property
    def channel(self) -> str:
        """Notified by every commit that appends to it."""
        return f"tragt_log_{self.id}"


async def find(connection: asyncpg.Connection, name: str) -> StoredTopic:
    """The topic of this name. Raises Misconfigured when nobody created it."""
    row = await connection.fetchrow(_FIND, name)
    if row is None:
        raise Misconfigured(f"the log has no topic {name}: run `tragt migrate` and start the services once")
    return StoredTopic(row["id"], name, row["partitions"])
