"""The commands ``tragt costs import`` and ``tragt costs list``."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
import yaml

from services.cli.call import Commands, ServiceCall
from services.cli.context import Given
from services.cli.costs.exports import Asked, Export, Parsed, parsed
from services.cli.costs.lines import UnreadableExport
from services.cli.document import read_bytes
from services.cli.exits import Ended, Exit
from services.metrics.domain.cost import Cost

costs = Commands("Import and list what advertising cost.")

_SUFFIX: Final = ".yaml"
_AT_ONCE: Final = 250
"""Rows in one request, so that the longest still fit it."""

_SHOWN: Final = 20
_NUMBERS: Final = ("cost", "impressions", "clicks", "conversions")


class Dates(StrEnum):
    """Whether day or month is first."""

    DMY = "dmy"
    MDY = "mdy"


class Decimals(StrEnum):
    """What stands before decimals."""

    POINT = "point"
    COMMA = "comma"


@cache
def exports() -> Mapping[str, Export]:
    """The platforms whose exports are known, by name."""
    folder = resources.files("services.cli.costs")
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    named = ((name.removesuffix(_SUFFIX), (folder / name).read_text(encoding="utf-8")) for name in files)
    return {name: msgspec.convert(yaml.safe_load(text), Export) for name, text in named}


@costs.command("import", epilog="Example: tragt costs import report.csv --mapping google-ads --currency EUR")
def import_costs(
    call: ServiceCall,
    file: Annotated[Path, typer.Argument(help="An export, or an answer of the API.", exists=True, dir_okay=False)],
    mapping: Annotated[str, typer.Option(help="google-ads, meta-ads, linkedin-ads, tiktok-ads or neutral.")],
    dates: Annotated[Dates | None, typer.Option(help="Which is first in 4/5/2026, the day or the month.")] = None,
    decimals: Annotated[Decimals | None, typer.Option(help="What stands before decimals, else a point.")] = None,
    currency: Annotated[str, typer.Option(help="Of a file that does not name it.")] = "",
    account: Annotated[str, typer.Option(help="Id of the ad account, of a file that does not name it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the file amounts to.")] = False,
) -> None:
    """Import costs by day. The same file twice changes nothing; a later one corrects the days it names."""
    export = exports().get(mapping)
    if export is None:
        raise Ended(Exit.MISUSED, f"--mapping {mapping}: use one of {', '.join(exports())}")
    written = Asked(dates.value if dates else None, decimals.value if decimals else None, currency, account)
    try:
        found = parsed(export, read_bytes(file), written)
    except UnreadableExport as error:
        raise Ended(Exit.MISUSED, f"{file.name}: {error}") from error
    report = _report(found, dry_run=dry_run)
    if not dry_run:
        service = call.api("metrics")
        for rows in _pieces(list(found.costs.values())):
            answer = service.post("/v1/costs", {"costs": rows})
            report["changed"] += answer["changed"]
            report["unchanged"] += answer["unchanged"]
            report["refused"] += [{"line": None, **refused} for refused in answer["refused"]]
    call.show(report, _show)
    if report["refused"]:
        raise Ended(Exit.NO, f"{len(report['refused'])} of {report['rows']} rows were refused")


@costs.command("list")
def list_costs(
    call: ServiceCall,
    start: Annotated[str, typer.Option("--from", help="First day; 30 days before the last if not said.")] = "",
    end: Annotated[str, typer.Option("--to", help="The day after the last; tomorrow if not said.")] = "",
    by: Annotated[str, typer.Option(help="Any of day, channel, source, account and campaign: source,day.")] = "source",
    currency: Annotated[str, typer.Option(help="Only this one.")] = "",
) -> None:
    """Show what was spent, by group and currency."""
    asked = {"from": start, "to": end, "by": by, "currency": currency}
    call.show(call.api("metrics").get("/v1/costs", asked), _show_list)


def _pieces(found: Sequence[Cost]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(found), _AT_ONCE):
        yield [_neutral(cost) for cost in found[start : start + _AT_ONCE]]


def _neutral(cost: Cost) -> dict[str, Any]:
    said = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in cost._asdict().items()}
    del said["day"]
    return {"date": cost.day.isoformat(), **said}


def _report(found: Parsed, *, dry_run: bool) -> dict[str, Any]:
    spent = defaultdict[str, Decimal](Decimal)
    for cost in found.costs.values():
        spent[cost.currency] += cost.cost
    refused = [
        {"line": line, "code": fault.code, "pointer": fault.pointer, "detail": fault.detail}
        for line, fault in found.refused
    ]
    return {
        "rows": found.rows,
        "totals": found.totals,
        "costs": len(found.costs),
        "spent": {currency: f"{amount:f}" for currency, amount in sorted(spent.items())},
        "dry_run": dry_run,
        "changed": 0,
        "unchanged": 0,
        "refused": refused,
    }


def _show_list(around: Given, found: dict[str, Any]) -> None:
    if not found["groups"]:
        around.say("no costs of these days are known")
        return
    named = ["campaign name"] if "campaign" in found["by"] else []
    rows = [
        [*group["key"].values(), *([group["campaign_name"]] if named else []), group["currency"]]
        + [group[name] for name in _NUMBERS]
        for group in found["groups"]
    ]
    around.table([*found["by"], *named, "currency", *_NUMBERS], rows, numbers=_NUMBERS)


def _show(around: Given, report: dict[str, Any]) -> None:
    spent = ", ".join(f"{amount} {currency}" for currency, amount in report["spent"].items()) or "nothing spent"
    said = f"{report['rows']} rows: {report['costs']} costs, {spent}; {len(report['refused'])} refused"
    if report["totals"]:
        said += f", {report['totals']} totals passed over"
    if not report["dry_run"]:
        said += f"; {report['changed']} changed, {report['unchanged']} unchanged"
    around.tell(said)
    rows = [[one["line"], one["code"], one["pointer"], one["detail"]] for one in report["refused"][:_SHOWN]]
    if rows:
        around.table(["line", "code", "where", "why"], rows, numbers={"line"})
