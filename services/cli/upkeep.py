"""``tragt migrate`` and ``reconcile``: the schema brought forward, the kept numbers compared with a recount."""

import asyncio
from typing import Any, Final

from services.cli.call import DatabaseCall, ServiceCall
from services.cli.context import Given
from services.cli.exits import Ended, Exit, endings
from shared.database.migrate import current, upgrade

_COMPARED: Final = ("cell", "fact")
_COUNT_SECONDS: Final = 3_600.0


def migrate(call: DatabaseCall) -> None:
    """Bring the database to the schema of this version; safe beside running services and when run twice."""
    dsn = call.dsn

    async def run() -> tuple[str | None, str | None]:
        before = await current(dsn)
        await upgrade(dsn)
        return before, await current(dsn)

    with endings():
        before, after = asyncio.run(run())
    told = f"already at {after}" if before == after else f"from {before or 'nothing'} to {after}"
    call.show({"from": before, "to": after}, lambda around, _: around.tell(f"the schema is {told}"))


def reconcile(call: ServiceCall) -> None:
    """Count everything again and compare it with the kept numbers; exit code 1 when something differs."""
    found = call.api("metrics").post("/v1/reconcile", timeout_seconds=_COUNT_SECONDS)
    call.show(found, _show)
    if not found["agrees"]:
        raise Ended(Exit.NO, "kept numbers differ from what was counted: `tragt rebuild` makes them anew")


def _show(around: Given, found: dict[str, Any]) -> None:
    rows = [(name, *_told(found[name])) for name in _COMPARED]
    around.table(("kept", "compared", "differing", ""), rows, numbers={"compared", "differing"})


def _told(part: dict[str, Any]) -> tuple[str, str, str]:
    """What a comparison found, or why it was not made."""
    return f"{part['compared']:,}", f"{part['differing']:,}", str(part.get("reason") or "")
