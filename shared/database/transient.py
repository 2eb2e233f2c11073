"""Which errors of the database pass by themselves: it is away, restarting, full, or gave up on our transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Transient

_CLASSES: Final = ("08", "53")
"""Connection trouble; not enough of disk, memory or connections."""

_STATES: Final = frozenset(
    {
        "40001",  # serialisation failure
        "40P01",  # deadlock
        "55P03",  # lock not had in time
        "57014",  # statement not done in time
        "57P01",  # shut down by an administrator
        "57P02",  # another process of the database crashed
        "57P03",  # starting up, or recovering
        "57P05",  # idle for too long
        "25006",  # a standby answered, to whom nothing can be written
        "25P03",  # idle in the transaction for too long
        "25P04",  # transaction not done in time
    }
)

_LOST: Final = ("clos", "released back to the pool")
"""How the driver says that the connection is gone; the pool takes a borrowed one back when the server ended it."""


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed when tried again, with nothing changed by us."""
    match error:
        case Transient() | OSError() | TimeoutError() | PoolTimeout():
            return True
        case asyncpg.PostgresError():
            state = str(getattr(error, "sqlstate", None) or "")
            return state in _STATES or state.startswith(_CLASSES)
        case asyncpg.InternalClientError():
            return True
        case asyncpg.InterfaceError():
            return type(error) is asyncpg.InterfaceError and any(word in str(error) for word in _LOST)
        case DBAPIError() | InterfaceError():
            return error.connection_invalidated or _cause_is_transient(error)
        case _:
            return False


def _cause_is_transient(error: DBAPIError) -> bool:
    original = error.orig
    return original is not None and original.__cause__ is not None and is_transient(original.__cause__)


@contextmanager
def translated(*, read_only: bool = False) -> Iterator[None]:
    """Raise Transient from any error that passes by itself; let every other one through.

    In a read-only transaction a refused write is our bug, not a standby.
    """
    try:
        yield
    except Transient:
        raise
    except Exception as error:
        if is_transient(error) and not (read_only and "read-only" in str(error)):
            raise Transient(f"the database did not answer: {type(error).__name__}: {error}") from error
        raise
