"""Work on an instance's database."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import WriteSession, writing

_T = TypeVar("_T")


async def in_transaction(dsn: str, work: Callable[[WriteSession], Awaitable[_T]]) -> _T:
    """Do it in one transaction, as the door's account."""
    engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
    try:
        async with writing(engine) as session:
            return await work(session)
    finally:
        await engine.dispose()
