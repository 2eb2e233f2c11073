"""Counting what a transaction sends to the database: the number must not grow with the batch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from asyncpg.connection import LoggedQuery

_OF_THE_CLIENT: Final = ("typeinfo_tree", "'jit'")
"""What asyncpg asks for itself, once per connection and type."""


@dataclass(slots=True)
class Statements:
    """The statements a connection ran, in order. COPY is not among them: asyncpg does not tell of it."""

    texts: list[str] = field(default_factory=list)

    def note(self, query: LoggedQuery) -> None:
        if not any(mark in query.query for mark in _OF_THE_CLIENT):
            self.texts.append(query.query)

    def __len__(self) -> int:
        return len(self.texts)


@asynccontextmanager
async def counted(connection: asyncpg.Connection) -> AsyncIterator[Statements]:
    """Every statement that ``connection`` runs inside the block, once for each time it is run."""
    statements = Statements()
    with connection.query_logger(statements.note):
        yield statements
    # The connection tells of a query in the loop's next turn.
    await asyncio.sleep(0)
