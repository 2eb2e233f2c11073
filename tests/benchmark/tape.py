"""The SQL ceiling: the very statements a batch sent, with the very values, sent again with nothing around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg


@dataclass(slots=True)
class Tape:
    """What one batch's transaction said to the database, in order."""

    calls: list[tuple[str, str, tuple[Any, ...]]] = field(default_factory=list)

    async def play(self, connection: asyncpg.Connection) -> None:
        """Say it all again, in one transaction, with its savepoints."""
        async with connection.transaction():
            for method, query, arguments in self.calls:
                if method == "savepoint":
                    await connection.execute("SAVEPOINT again")
                elif method == "release":
                    await connection.execute("RELEASE SAVEPOINT again")
                else:
                    await getattr(connection, method)(query, *arguments)


class Recorder:
    """Stands before a connection and writes down what a handler sends through it."""

    def __init__(self, connection: asyncpg.Connection, tape: Tape) -> None:
        self._connection, self._tape = connection, tape

    async def fetch(self, query: str, *arguments: Any) -> Any:
        """Write down, then fetch."""
        self._tape.calls.append(("fetch", query, arguments))
        return await self._connection.fetch(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Write down, then fetch one value."""
        self._tape.calls.append(("fetchval", query, arguments))
        return await self._connection.fetchval(query, *arguments)

    async def execute(self, query: str, *arguments: Any) -> Any:
        """Write down, then execute."""
        self._tape.calls.append(("execute", query, arguments))
        return await self._connection.execute(query, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Write down a savepoint around the block."""
        self._tape.calls.append(("savepoint", "", ()))
        async with self._connection.transaction():
            yield
        self._tape.calls.append(("release", "", ()))
