"""``tragt rebuild``: every lead folded again from its touchpoints, then every number counted again."""

import asyncio
from typing import Final
from uuid import UUID

import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import Database, database_of
from services.cli.keys import Workspace
from services.cli.place import DEFAULT, Data
from services.metrics.handlers.rebuild import recount
from services.scoring.handlers.rebuilding import behind, mark_all
from shared.database.access import find_workspace
from shared.database.engine import create_engine, create_pool
from shared.database.roles import Role
from shared.database.session import writing

_POLL_SECONDS: Final = 0.5
_STALL_SECONDS: Final = 60.0


def rebuild(
    context: typer.Context,
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Fold every lead again from its touchpoints and count all numbers again, beside live traffic.

    The catch-up worker of the running services does the folding; what comes out as it was is not told again.
    """
    around = given(context)
    dsn = database_of(data, database)
    with endings():
        folded = asyncio.run(_rebuild(around, dsn, workspace))
    if as_json:
        around.answer({"leads": folded})
    else:
        around.console.print(f"{folded:,} leads folded again and all numbers counted again", highlight=False)


async def _rebuild(around: Given, dsn: str, name: str) -> int:
    workspace = await _id_of(dsn, name)
    folded = await _fold(around, dsn, workspace)
    pool = await create_pool(dsn, Role.METRICS_WORKER, size=1)
    try:
        zones = [zone for zone in around.environment.get("METRICS_TIME_ZONES", "").split(",") if zone]
        await recount(pool, workspace, zones)
    finally:
        await pool.close()
    return folded


async def _fold(around: Given, dsn: str, workspace: UUID) -> int:
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


async def _id_of(dsn: str, name: str) -> UUID:
    engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
    try:
        async with writing(engine) as session:
            return (await find_workspace(session, name)).id
    except LookupError as error:
        raise Ended(Exit.NO, str(error)) from error
    finally:
        await engine.dispose()
