"""``tragt leads``: one lead, or the list."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer

from services.cli.call import After, Commands, Limit, ServiceCall
from services.cli.context import Given
from services.cli.exits import Ended, Exit
from shared.vocabulary import KeyType, Status

leads = Commands("Look at leads.")

Who = Annotated[
    str, typer.Argument(help="A lead id, or TYPE:VALUE like email:ann@example.com, user_id:u1, external.hubspot:77.")
]
_LOOKED_AT: Final = "200"
"""How many of its latest touchpoints are looked through for marks."""

_REASONS: Final = {
    "bot": "a bot visited",
    "machine": "a program did it, no person",
    "own": "own traffic by the workspace's policy",
}
"""By what a mark begins with."""

_LIST_COLUMNS: Final = ("lead_id", "status", "stage", "engagement", "fit", "since")


@leads.command("show", epilog="Example: tragt leads show email:ann@example.com")
def show(call: ServiceCall, who: Who) -> None:
    """Show one lead: its status, stage and scores, who it is, how it got there, and what of late counts for nothing."""
    service = call.api("scoring")
    lead = service.get(_path(who))
    history = service.get(f"/v1/leads/{quote(str(lead['lead_id']), safe='')}/history")
    journey = service.get(f"/v1/leads/{quote(str(lead['lead_id']), safe='')}/touchpoints", {"limit": _LOOKED_AT})
    call.show({**lead, "history": history, "uncounted": uncounted(journey["data"])}, _show)


@leads.command("list")
def show_list(
    call: ServiceCall,
    status: Annotated[Status | None, typer.Option(help="Only leads in this status.")] = None,
    stage: Annotated[str, typer.Option(help="Only leads in this stage.")] = "",
    limit: Limit = 20,
    after: After = "",
) -> None:
    """List leads, those changed last first."""
    asked = {"status": status.value if status else "", "stage": stage, "limit": str(limit), "after": after}
    call.show(call.api("scoring").get("/v1/leads", asked), _show_list)


def uncounted(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Of a lead's touchpoints those that no rule counts, and why."""
    columns = ("occurred_at", "kind", "id")
    return [{**{name: step[name] for name in columns}, "why": _why(step["marks"])} for step in steps if step["marks"]]


def _why(marks: Sequence[str]) -> str:
    return ", ".join(f"{_REASONS.get(mark.partition(':')[0], 'marked')} ({mark})" for mark in marks)


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


def _show(around: Given, lead: dict[str, Any]) -> None:
    moves = lead["history"]["data"]
    keys = [_key(identity) for identity in lead["identities"]]
    shown = {**lead, "identities": keys, "merged_into": None, "history": None, "uncounted": None}
    around.table(
        ("field", "value"), [(name, _text(value)) for name, value in shown.items() if value not in (None, {}, [])]
    )
    if moves:
        columns = list(moves[0])
        around.table(columns, [[_text(move.get(name)) for name in columns] for move in moves])
    if lead["uncounted"]:
        around.tell("These touchpoints count for nothing:")
        around.records(list(lead["uncounted"][0]), lead["uncounted"])


def _show_list(around: Given, found: dict[str, Any]) -> None:
    rows = [_list_row(lead) for lead in found["data"]]
    around.page(_LIST_COLUMNS, {**found, "data": rows}, "there are no such leads", numbers={"engagement", "fit"})


def _list_row(lead: dict[str, Any]) -> dict[str, str]:
    score = lead.get("score") or {}
    cells = {**lead, "engagement": score.get("engagement"), "fit": score.get("fit")}
    return {name: _text(cells.get(name)) for name in _LIST_COLUMNS}


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
