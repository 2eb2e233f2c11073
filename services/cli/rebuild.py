"""``tragt rebuild``: every lead folded again from its touchpoints, then every number counted again."""

import asyncio
from typing import Final
from uuid import UUID

import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.instance import Address, Database, KeyText, api, database_of
from services.cli.place import DEFAULT, Data
from services.scoring.handlers.rebuilding import behind, mark_all
from shared.access import prefix_of
from shared.database.access import load_keys
from shared.database.engine import create_engine, create_pool
from shared.database.roles import Role
from shared.database.session import writing

_POLL_SECONDS: Final = 0.5
_STALL_SECONDS: Final = 60.0
_COUNT_SECONDS: Final = 3_600.0


def rebuild(
    context: typer.Context,
    data: Data = DEFAULT,
    database: Database = "",
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Fold every lead again from its touchpoints and count all numbers again, beside live traffic.

    The running services do the work, for the workspace of the key; what comes out as it was is not told again.
    """
    around = given(context)
    metrics = api(data, "metrics", address, key)
    dsn = database_of(data, database)
    with endings():
        folded = asyncio.run(_fold(around, dsn, metrics.key))
    counted = metrics.post("/v1/rebuild", timeout_seconds=_COUNT_SECONDS)
    if as_json:
        around.answer({"leads": folded, "metrics": counted})
    else:
        around.console.print(f"{folded:,} leads folded again and all numbers counted again", highlight=False)


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
                    Exit.AWAY, f"{left:,} leads wait and none was folded for a minute: is scoring's worker running?"
                )
    finally:
        await pool.close()
    return marked


async def _workspace_of(dsn: str, key: str) -> UUID:
    engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
    try:
        async with writing(engine) as session:
            kept = {one.prefix: one.workspace for one in await load_keys(session)}
    finally:
        await engine.dispose()
    if prefix_of(key) not in kept:
        raise Ended(Exit.REFUSED, f"the database does not know the key {prefix_of(key) or '(not a key)'}")
    return kept[prefix_of(key)]
