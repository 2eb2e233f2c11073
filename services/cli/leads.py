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
_LOOKED_AT: Final = 200
"""How many of its latest touchpoints are looked through for marks."""

_REASONS: Final = {
    "bot": "a bot visited",
    "machine": "a program did it, no person",
    "own": "own traffic by the workspace's policy",
}
"""By what a mark begins with."""

_LIST_COLUMNS: Final = ("lead_id", "who", "status", "stage", "engagement", "fit", "since")
_STEP_COLUMNS: Final = ("occurred_at", "kind", "channel", "campaign", "page", "value", "protocol")
_POINT_COLUMNS: Final = ("at", "axis", "group", "rule", "points", "value", "withheld", "touchpoint_id")


@leads.command("show", epilog="Example: tragt leads show email:ann@example.com --points")
def show(
    call: ServiceCall,
    who: Who,
    touchpoints: Annotated[
        int, typer.Option(help="How many of its latest touchpoints to list.", min=0, max=_LOOKED_AT)
    ] = 10,
    points: Annotated[bool, typer.Option("--points", help="Also list what its scores are made of.")] = False,
) -> None:
    """Show one lead: status, stage and scores, who it is, how it got there, what it did, what of it does not count."""
    service = call.api("scoring")
    lead = service.get(_path(who))
    place = f"/v1/leads/{quote(str(lead['lead_id']), safe='')}"
    steps = service.get(f"{place}/touchpoints", {"limit": str(_LOOKED_AT)})["data"]
    told = {**lead, "history": service.get(f"{place}/history"), "touchpoints": steps[:touchpoints]}
    if points:
        told["points"] = service.get(f"{place}/ledger")["data"]
    call.show({**told, "uncounted": uncounted(steps)}, _show)


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


def step_row(step: Mapping[str, Any]) -> dict[str, str]:
    """A touchpoint on one line: its campaign by source, medium and name, its page by the path, its value as money."""
    campaign, page, value = step["campaign"] or {}, step["page"] or {}, step["value"] or {}
    return {
        **{name: _text(step[name]) for name in _STEP_COLUMNS},
        "campaign": " / ".join(campaign[name] for name in ("source", "medium", "name") if campaign.get(name)),
        "page": page.get("path") or page.get("url") or "",
        "value": " ".join(value[name] for name in ("amount", "currency") if value.get(name)),
    }


def best_key(identities: Sequence[Mapping[str, Any]]) -> str:
    """By which people know a lead: its e-mail address where that is known, else its strongest key that is."""
    known = [identity for identity in identities if identity["value"] is not None]
    known.sort(key=lambda identity: identity["type"] != KeyType.EMAIL)
    return _key(known[0]) if known else ""


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


def _key(identity: Mapping[str, Any]) -> str:
    """A key as it is asked for; of an e-mail of which only a hash is known, its type."""
    return (
        f"{identity['type']}:{identity['value']}" if identity["value"] is not None else f"{identity['type']} (hashed)"
    )


def _show(around: Given, lead: dict[str, Any]) -> None:
    moves = lead["history"]["data"]
    keys = [_key(identity) for identity in lead["identities"]]
    apart = ("merged_into", "history", "touchpoints", "points", "uncounted")
    shown = {**lead, "identities": keys, **dict.fromkeys(apart)}
    around.table(
        ("field", "value"), [(name, _text(value)) for name, value in shown.items() if value not in (None, {}, [])]
    )
    if moves:
        columns = list(moves[0])
        around.table(columns, [[_text(move.get(name)) for name in columns] for move in moves])
    if lead["touchpoints"]:
        around.tell("What it did, the latest first:")
        around.records(_STEP_COLUMNS, [step_row(step) for step in lead["touchpoints"]])
    if lead.get("points"):
        around.tell("What its scores are made of; value is what is left of the points now:")
        rows = [{name: _text(point[name]) for name in _POINT_COLUMNS} for point in lead["points"]]
        around.records(_POINT_COLUMNS, rows, numbers={"points", "value"})
    if lead["uncounted"]:
        around.tell("These touchpoints count for nothing:")
        around.records(list(lead["uncounted"][0]), lead["uncounted"])


def _show_list(around: Given, found: dict[str, Any]) -> None:
    rows = [_list_row(lead) for lead in found["data"]]
    around.page(_LIST_COLUMNS, {**found, "data": rows}, "there are no such leads", numbers={"engagement", "fit"})


def _list_row(lead: dict[str, Any]) -> dict[str, str]:
    score = lead.get("score") or {}
    cells = {
        **lead,
        "who": best_key(lead["identities"]),
        "engagement": score.get("engagement"),
        "fit": score.get("fit"),
    }
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
