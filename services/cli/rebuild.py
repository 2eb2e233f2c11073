"""``tragt rebuild``: every lead folded again from its touchpoints, then every number counted again."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.cli.call import DatabaseCall, ServiceCall
from services.cli.context import Given
from services.cli.exits import Ended, Exit, endings
from services.cli.transaction import in_transaction
from services.scoring.handlers.rebuilding import behind, mark_all
from shared.access import prefix_of
from shared.database.access import load_keys
from shared.database.engine import create_pool
from shared.database.roles import Role

_POLL_SECONDS: Final = 0.5
_STALL_SECONDS: Final = 60.0
_COUNT_SECONDS: Final = 3_600.0


@dataclass(frozen=True, kw_only=True)
class RebuildCall(ServiceCall, DatabaseCall):
    """Leads are marked in the database, numbers are counted by the service."""


def rebuild(call: RebuildCall) -> None:
    """Fold every lead again from its touchpoints and count all numbers again, beside live traffic.

    The running services do the work, for the workspace of the key; what comes out as it was is not told again.
    """
    metrics, dsn = call.api("metrics"), call.dsn
    with endings():
        folded = asyncio.run(_fold(call.around, dsn, metrics.key))
    counted = metrics.post("/v1/rebuild", timeout_seconds=_COUNT_SECONDS)
    told = f"{folded:,} leads folded again and all numbers counted again"
    call.show({"leads": folded, "metrics": counted}, lambda around, _: around.tell(told))


async def _fold(around: Given, dsn: str, key: str) -> int:
    """Mark all leads and wait until the catch-up worker is through; how many. Raises Ended when it stands."""
    workspace = await _workspace_of(dsn, key)
    pool = await create_pool(dsn, Role.SCORING_WORKER, size=1)
    marked = 0
    try:
        async for marked in mark_all(pool, workspace):
            around.say(f"{marked:,} leads are to be folded again")
        loop = asyncio.get_running_loop()
        left, moved_at = marked, loop.time()
        while left:
            await asyncio.sleep(_POLL_SECONDS)
            now_left = await behind(pool, workspace)
            if now_left != left:
                around.say(f"{now_left:,} leads to go")
                left, moved_at = now_left, loop.time()
            elif loop.time() - moved_at > _STALL_SECONDS:
                raise Ended(
                    Exit.AWAY,
                    f"{left:,} leads wait and none was folded for a minute: `tragt status` says whether scoring runs",
                )
    finally:
        await pool.close()
    return marked


async def _workspace_of(dsn: str, key: str) -> UUID:
    kept = {one.prefix: one.workspace for one in await in_transaction(dsn, load_keys)}
    if prefix_of(key) not in kept:
        raise Ended(
            Exit.REFUSED,
            f"the database does not know the key {prefix_of(key) or '(not a key)'}: name one of its keys with --key",
        )
    return kept[prefix_of(key)]
