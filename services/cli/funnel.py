"""``tragt funnel``: the lifecycle funnel as a table in the terminal."""

from typing import Annotated, Any, Final

import typer

from services.cli.call import ServiceCall
from services.cli.context import Given

_COLUMNS: Final = ("step", "entered", "from first", "from previous", "drop-off", "still open", "median time", "p90")
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def funnel(
    call: ServiceCall,
    by: Annotated[str, typer.Option(help="Break down by a dimension, channel for example.")] = "",
    start: Annotated[str, typer.Option("--from", help="First day or instant, RFC 3339.")] = "",
    end: Annotated[str, typer.Option("--to", help="Day or instant after the last, RFC 3339.")] = "",
    basis: Annotated[str, typer.Option(help="cohort (by entry) or period (moves made in it).")] = "",
    only: Annotated[list[str] | None, typer.Option("--filter", help="NAME:VALUE, channel:email; repeatable.")] = None,
    entry: Annotated[str, typer.Option(help="The first step; known if not said.")] = "",
    window: Annotated[str, typer.Option(help="Only what happened within so long of the first step: 30d, 12h.")] = "",
    zone: Annotated[str, typer.Option("--tz", help="Time zone of the days, Europe/Copenhagen.")] = "",
) -> None:
    """Show how many leads reached each status, what share went on, and how long it took."""
    asked = {"by": by, "from": start, "to": end, "basis": basis, "entry": entry, "window": window, "tz": zone}
    call.show(call.api("metrics").get("/v1/funnel", {**asked, "filter": only or []}), show_funnel)


def show_funnel(around: Given, found: dict[str, Any]) -> None:
    """Print a funnel answer: a table per group and one of the total, and how fresh it is."""
    for group in found.get("groups") or ():
        if group["key"]:
            around.head(", ".join(f"{name} {_value(group, name)}" for name in group["key"]))
            _show_steps(around, group["steps"])
    if found.get("by"):
        around.head("all")
    _show_steps(around, found["steps"])
    meta = found["meta"]
    around.say("drop-off: not gone on, those still open among them; median time and p90: since the first step")
    around.say(f"as of {meta['as_of']}, {meta['lag_seconds']} s behind")


def _value(group: dict[str, Any], name: str) -> str:
    """What the group has of an attribute; null is either no value or the rest of very many."""
    value = group["key"][name]
    if value is not None:
        return str(value)
    return "(all others)" if name in group["rest"] else "(none)"


def _show_steps(around: Given, steps: list[dict[str, Any]]) -> None:
    around.table(_COLUMNS, [_row(step) for step in steps], numbers=frozenset(_COLUMNS[1:]))


def _row(step: dict[str, Any]) -> tuple[str, ...]:
    seconds = step.get("seconds_from_first") or {}
    return (
        step["step"],
        f"{step['entered']:,}",
        _rate(step.get("rate_from_first")),
        _rate(step.get("rate_from_previous")),
        _rate(step.get("drop_off")),
        "" if step.get("still_open") is None else f"{step['still_open']:,}",
        _duration(seconds.get("median")),
        _duration(seconds.get("p90")),
    )


def _rate(found: dict[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return ""
    if found["interval"] is None:
        return f"{found['value']:.1%}"
    low, high = found["interval"]
    return f"{found['value']:.1%} ({low:.0%}-{high:.0%})"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    size, unit = next((entry for entry in _UNITS if seconds >= entry[0]), _UNITS[-1])
    return f"{seconds / size:.1f} {unit}"
