"""``tragt status`` and ``tragt down``."""

import asyncio
from pathlib import Path
from typing import Any, Final

import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import Reach, reach
from services.cli.place import DEFAULT, Data
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


def down(context: typer.Context, data: Data = DEFAULT, as_json: Json = False) -> None:
    """End the instance that runs on the data folder, and wait until it has."""
    around = given(context)
    with endings():
        asyncio.run(_down(data))
    around.answer({"ended": True}) if as_json else around.console.print("ended")


async def _down(folder: Path) -> None:
    if ask(folder, Ask.STOP) is None and not is_held(folder):
        raise Ended(Exit.AWAY, f"nothing runs on {folder}")
    try:
        async with asyncio.timeout(_END_SECONDS):
            while True:
                if not is_held(folder):
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError as error:
        raise Ended(Exit.NO, f"the instance on {folder} has not ended within {_END_SECONDS:.0f} s") from error


def status(context: typer.Context, data: Data = DEFAULT, as_json: Json = False) -> None:
    """Say what runs on the data folder, where it answers, and a fresh link to the page."""
    around = given(context)
    found = reach(data)
    if found is None:
        if as_json:
            around.answer({"running": False})
        raise Ended(Exit.AWAY, _nothing(data))
    if as_json:
        around.answer({"running": True, **_public(found)})
    else:
        _show(around, data, found)


def _public(found: Reach) -> dict[str, Any]:
    """What it says of itself, without the database's password."""
    return {name: value for name, value in found.state.items() if name != "dsn"}


def _show(around: Given, folder: Path, found: Reach) -> None:
    state = found.state
    condition = "ending" if state["ending"] else "ready" if state["ready"] else "starting"
    around.console.print(f"{condition}, on {folder.resolve()}", highlight=False, soft_wrap=True)
    rows = [
        ["-" if child[name] is None else str(child[name]) for name in _COLUMNS.values()] for child in state["children"]
    ]
    around.table(list(_COLUMNS), rows, numbers=frozenset({"pid", "restarts", "last exit"}))
    for service in SERVICES:
        around.console.print(f"{service} {found.ports.address(service)}", highlight=False)
    if state["ready"]:
        with endings():
            link = asyncio.run(sign_in_link(found.dsn, found.ports, NAME, around.clock.now()))
        around.console.print(f"the page, by a link that works once: {link}", highlight=False, soft_wrap=True)


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)


def _nothing(folder: Path) -> str:
    if is_held(folder):
        return f"an instance holds {folder} but does not answer: it may be starting or ending; try again"
    return f"nothing runs on {folder}: start it with `tragt up`"
