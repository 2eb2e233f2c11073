"""What a provider may present only once, where its signature does not cover the body: known to every process.

A token is good for one body, from before that is taken: so of several at once one is, a delivery that was not stored
may come again, and what was stored may not.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from services.ingest import store
from services.ingest.queries import KeptHook
from services.ingest.store import HookToken
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Transient


@dataclass(frozen=True, slots=True)
class HookTokens:
    """The tokens that were presented, until their time is over."""

    pool: Pool

    async def claim(self, hook: KeptHook, once: str, body: bytes, expires_at: int) -> HookToken | None:
        """Keep it for this body; None when it was taken, or came with another body. Raises Transient."""
        token = HookToken(
            workspace=hook.workspace,
            prefix=hook.prefix,
            token=hashlib.sha256(once.encode("utf-8", "surrogatepass")).digest(),
            body=hashlib.sha256(body).digest(),
            expires_at=expires_at,
        )
        async with borrowed(self.pool) as connection:
            return token if await store.claim_token(connection, token) else None

    async def spend(self, token: HookToken) -> None:
        """Its delivery is durable. With the database away the same body may come once more, and its id absorbs it."""
        with suppress(Transient):
            async with borrowed(self.pool) as connection:
                await store.spend_token(connection, token)
