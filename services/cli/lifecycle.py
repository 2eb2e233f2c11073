"""``tragt status`` and ``tragt down``."""

import asyncio
from pathlib import Path
from typing import Any, Final

from services.cli.call import FolderCall
from services.cli.context import Given
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import Reach, reach
from services.cli.sign_in import sign_in_link
from shared.database.roles import SERVICES
from shared.embedded.control import Ask, ask
from shared.embedded.lock import is_held

_END_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = 0.05
_COLUMNS: Final = {
    "process": "name",
    "condition": "condition",
    "pid": "pid",
    "restarts": "restarts",
    "last exit": "last_exit",
}


def down(call: FolderCall) -> None:
    """End the instance that runs on the data folder, and wait until it has."""
    with endings():
        asyncio.run(_down(call.data))
    call.show({"ended": True}, lambda around, _: around.tell("ended"))


async def _down(folder: Path) -> None:
    if ask(folder, Ask.STOP) is None and not is_held(folder):
        raise Ended(Exit.AWAY, f"nothing runs on {folder}: name another folder with --data")
    try:
        async with asyncio.timeout(_END_SECONDS):
            while True:
                if not is_held(folder):
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError as error:
        raise Ended(
            Exit.NO, f"the instance on {folder} has not ended within {_END_SECONDS:.0f} s: see `tragt status`"
        ) from error


def status(call: FolderCall) -> None:
    """Say what runs on the data folder, where it answers, and a fresh link to the page."""
    found = reach(call.data)
    if found is None:
        call.show({"running": False}, lambda *_: None)
        raise Ended(Exit.AWAY, _nothing(call.data))
    call.show({"running": True, **_public(found)}, lambda around, _: _show(around, call.data, found))


def _public(found: Reach) -> dict[str, Any]:
    """What it says of itself, without the database's password."""
    return {name: value for name, value in found.state.items() if name != "dsn"}


def _show(around: Given, folder: Path, found: Reach) -> None:
    state = found.state
    condition = "ending" if state["ending"] else "ready" if state["ready"] else "starting"
    around.tell(f"{condition}, on {folder.resolve()}")
    rows = [["-" if child[name] is None else child[name] for name in _COLUMNS.values()] for child in state["children"]]
    around.table(_COLUMNS, rows, numbers={"pid", "restarts", "last exit"})
    for service in SERVICES:
        around.tell(f"{service} {found.ports.address(service)}")
    if state["ready"]:
        with endings():
            link = asyncio.run(sign_in_link(found.dsn, found.ports, NAME, around.clock.now()))
        around.tell(f"the page, by a link that works once: {link}")


def _nothing(folder: Path) -> str:
    if is_held(folder):
        return f"an instance holds {folder} but does not answer: it may be starting or ending; try again"
    return f"nothing runs on {folder}: start it with `tragt up`"
