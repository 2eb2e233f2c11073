"""Sessions: one transaction each. Reading and writing are different types, so a query cannot be handed a writer."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NewType
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.transient import translated
from shared.errors import FieldFault, InvalidRequest
from shared.vocabulary import Code

ReadSession = NewType("ReadSession", AsyncConnection)
"""A read-only transaction that sees the rows of one workspace."""

WriteSession = NewType("WriteSession", AsyncConnection)
"""A transaction of a worker role; committed when the block ends without an error."""

_BIND: Final = text(
    "SELECT set_config('app.workspace', :workspace, true), set_config('transaction_read_only', 'on', true)"
)

_NO_TEXT: Final = (
    "invalid byte sequence for encoding",
    "unsupported Unicode escape sequence",
    "invalid input syntax for type json",
    "surrogates not allowed",
)
"""How the database, or its driver, says that it cannot hold a text: for NUL, or half of a surrogate pair."""


@asynccontextmanager
async def reading(engine: AsyncEngine, workspace: UUID) -> AsyncIterator[ReadSession]:
    """Read as one workspace. Raises Transient when the database is away; InvalidRequest for text that it cannot hold.

    Writing inside is an error.
    """
    with translated(read_only=True), _held():
        async with engine.begin() as connection:
            await connection.execute(_BIND, {"workspace": str(workspace)})
            yield ReadSession(connection)


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[WriteSession]:
    """Write in one transaction. Raises Transient when the database is away; then nothing is known to be written.

    Raises InvalidRequest for text that it cannot hold.
    """
    with translated(), _held():
        async with engine.begin() as connection:
            yield WriteSession(connection)


@contextmanager
def _held() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if any(words in str(error.orig) for words in _NO_TEXT):
            detail = "text has no NUL and no half of a surrogate pair"
            raise InvalidRequest(FieldFault("", Code.INVALID_TEXT, detail)) from None
        raise
