"""``tragt migrate`` and ``reconcile``: the schema brought forward, the kept numbers compared with a recount."""

import asyncio
from typing import Any, Final

import typer

from services.cli.context import Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.instance import Address, Database, KeyText, api, database_of
from services.cli.place import DEFAULT, Data
from shared.database.migrate import current, upgrade

_COMPARED: Final = ("cell", "fact")
_COUNT_SECONDS: Final = 3_600.0


def migrate(context: typer.Context, data: Data = DEFAULT, database: Database = "", as_json: Json = False) -> None:
    """Bring the database to the schema of this version; safe beside running services and when run twice."""
    around = given(context)
    dsn = database_of(data, database)

    async def run() -> tuple[str | None, str | None]:
        before = await current(dsn)
        await upgrade(dsn)
        return before, await current(dsn)

    with endings():
        before, after = asyncio.run(run())
    if as_json:
        around.answer({"from": before, "to": after})
    else:
        told = f"already at {after}" if before == after else f"from {before or 'nothing'} to {after}"
        around.console.print(f"the schema is {told}", highlight=False)


def reconcile(
    context: typer.Context, data: Data = DEFAULT, address: Address = "", key: KeyText = "", as_json: Json = False
) -> None:
    """Count everything again and compare it with the kept numbers; exit code 1 when something differs."""
    around = given(context)
    found = api(data, "metrics", address, key).post("/v1/reconcile", timeout_seconds=_COUNT_SECONDS)
    if as_json:
        around.answer(found)
    else:
        rows = [(name, *_told(found[name])) for name in _COMPARED]
        around.table(("kept", "compared", "differing", ""), rows, numbers=frozenset({"compared", "differing"}))
    if not found["agrees"]:
        raise Ended(Exit.NO, "kept numbers differ from what was counted: `tragt rebuild` makes them anew")


def _told(part: dict[str, Any]) -> tuple[str, str, str]:
    """What a comparison found, or why it was not made."""
    return f"{part['compared']:,}", f"{part['differing']:,}", str(part.get("reason") or "")
