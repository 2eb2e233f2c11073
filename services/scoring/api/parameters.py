"""What requests give, read into the product's own types."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BeforeValidator, WithJsonSchema

from services.scoring.handlers.desk import Asker
from shared.clock import from_datetime
from shared.http.auth import Reader


def read_instant(value: Any) -> int:
    """Microseconds of an RFC 3339 instant with its offset. Raises ValueError."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        message = "give an instant such as 2026-11-25T19:10:20Z (a + in a query is written %2B)"
        raise ValueError(message)
    return from_datetime(moment)


InstantParameter = Annotated[
    int, BeforeValidator(read_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""RFC 3339 on the wire, microseconds inside."""


async def _asker(request: Request, reader: Reader) -> Asker:
    state = request.state
    return Asker(
        engine=state.engine,
        worlds=state.worlds,
        workspace=reader.workspace,
        secret=reader.secret,
        now=state.clock.now(),
    )


Asking = Annotated[Asker, Depends(_asker)]
"""A caller who may read the leads of a workspace."""
