"""``tragt leads``: one lead, or the list."""

from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, api
from services.cli.place import DEFAULT, Data
from shared.vocabulary import KeyType, Status

leads = typer.Typer(no_args_is_help=True, help="Look at leads.")

Who = Annotated[
    str, typer.Argument(help="A lead id, or TYPE:VALUE like email:ann@example.com, user_id:u1, external.hubspot:77.")
]
_LIST_COLUMNS: Final = ("lead_id", "status", "stage", "engagement", "fit", "since")


@leads.command("show")
def show(
    context: typer.Context,
    who: Who,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Show one lead: its status, stage and scores, who it is, and how it got there."""
    around = given(context)
    service = api(data, "scoring", address, key)
    lead = service.get(_path(who))
    history = service.get(f"/v1/leads/{quote(str(lead['lead_id']), safe='')}/history")
    if as_json:
        around.answer({**lead, "history": history})
        return
    shown = {**lead, "identities": [_key(identity) for identity in lead["identities"]], "merged_into": None}
    around.table(
        ("field", "value"), [(name, _text(value)) for name, value in shown.items() if value not in (None, {}, [])]
    )
    _show_history(around, history["data"])


@leads.command("list")
def show_list(
    context: typer.Context,
    status: Annotated[Status | None, typer.Option(help="Only leads in this status.")] = None,
    stage: Annotated[str, typer.Option(help="Only leads in this stage.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    after: Annotated[str, typer.Option(help="Go on after the `next` of an earlier list.")] = "",
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """List leads, those changed last first."""
    around = given(context)
    asked = {"status": status.value if status else "", "stage": stage, "limit": str(limit), "after": after}
    found = api(data, "scoring", address, key).get("/v1/leads", {name: value for name, value in asked.items() if value})
    if as_json:
        around.answer(found)
        return
    if not found["data"]:
        around.say("there are no such leads")
        return
    rows = [_list_row(lead) for lead in found["data"]]
    around.table(_LIST_COLUMNS, rows, numbers=frozenset({"engagement", "fit"}))
    if found["next"]:
        around.say(f"more: --after {found['next']}")


def _path(who: str) -> str:
    """Where the lead is asked for. Raises Ended when it is neither an id nor a key."""
    kind, colon, value = who.partition(":")
    if colon and (kind in set(KeyType) or kind.startswith(f"{KeyType.EXTERNAL}.")):
        return f"/v1/leads/by/{quote(kind, safe='')}/{quote(value, safe='')}"
    try:
        return f"/v1/leads/{UUID(who)}"
    except ValueError as error:
        likely = f": did you mean email:{who}?" if "@" in who and not colon else ""
        types = ", ".join(f"{kind}.SYSTEM" if kind is KeyType.EXTERNAL else kind for kind in KeyType)
        raise Ended(
            Exit.MISUSED, f"{who!r} is neither a lead id nor TYPE:VALUE with a type of {types}{likely}"
        ) from error


def _key(identity: dict[str, Any]) -> str:
    """A key as it is asked for; of an e-mail of which only a hash is known, its type."""
    return (
        f"{identity['type']}:{identity['value']}" if identity["value"] is not None else f"{identity['type']} (hashed)"
    )


def _list_row(lead: dict[str, Any]) -> tuple[str, ...]:
    score = lead.get("score") or {}
    cells = {**lead, "engagement": score.get("engagement"), "fit": score.get("fit")}
    return tuple(_text(cells.get(name)) for name in _LIST_COLUMNS)


def _show_history(around: Given, moves: list[dict[str, Any]]) -> None:
    if moves:
        columns = list(moves[0])
        around.table(columns, [[_text(move.get(name)) for name in columns] for move in moves])


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}"
        case dict():
            return ", ".join(f"{name}: {_text(inner)}" for name, inner in value.items() if inner is not None)
        case list():
            return ", ".join(_text(inner) for inner in value)
        case _:
            return str(value)
