"""Cost exports of ad platforms as costs: one declarative document for each platform, beside this module.

Rows of one day and ad that differ in what is not kept (a device, say) are added up; equal rows are refused, as the file
holds something twice. Totals are passed over.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.cli.costs.lines import Line, Table, UnreadableExport, is_json, json_lines, table_of, text_of
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.import_cells import Dates, Decimals, Habits, instant, number
from services.ingest.protocols.import_ready import plain_heading
from services.metrics.domain.cost import Cost, cost_of
from shared.errors import FieldFault, InvalidRequest
from shared.vocabulary import Code

_TOTAL: Final = re.compile(r"(grand )?total\b", re.IGNORECASE)
_TWO_WAYS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""A thousand and more, or three decimals."""

_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY_ABOVE: Final = re.compile(rf"({_MONTHS}) \d{{1,2}}, \d{{4}}")
_MICROS: Final = 6
_NUMBERS: Final = ("cost", "impressions", "clicks", "conversions")
_DAY: Final = len("2026-11-25")
_UTC: Final = ZoneInfo("UTC")
_REPEATED: Final = "repeated"


class Export(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a platform's exports call things. Of a field's headings the first that has a value counts."""

    title: str
    columns: dict[str, list[str]]
    source: str = ""
    rows: list[list[str]] = []
    """Where in an answer of its API the rows are."""

    micros: list[str] = []
    """Headings of amounts in millionths."""

    last_day: dict[str, str] = {}
    """By the heading of a row's first day that of its last, which must be the same."""

    period: list[str] = []
    """What stands above the header before the report's first day and before its last."""

    total_without: list[str] = []
    """A row without any of these fields, in a file that has some, is a total."""

    without_dashes: list[str] = []
    """Fields whose dashes are for the eye."""

    is_final: bool = False
    """Two rows of one key are a fault, whatever they say."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How the file is written where it does not say so itself, and what it leaves out."""

    dates: Dates | None = None
    decimals: Decimals | None = None
    currency: str = ""
    account: str = ""


@dataclass(slots=True)
class Parsed:
    """What a file amounts to; ``refused`` by the number of the line, or of the row in JSON."""

    costs: dict[tuple[object, ...], Cost] = field(default_factory=dict)
    refused: list[tuple[int, FieldFault]] = field(default_factory=list)
    totals: int = 0
    rows: int = 0


def parsed(export: Export, data: bytes, asked: Asked) -> Parsed:
    """The costs in a file. Raises UnreadableExport."""
    found = Parsed()
    seen = set[frozenset[tuple[str, str]]]()
    text = text_of(data)
    table = None if is_json(text) else table_of(text, export.columns["date"], export.columns["cost"])
    lines = table.lines if table else json_lines(text, export.rows)
    habits = Habits(_UTC, asked.dates, asked.decimals or "point") if table else Habits(_UTC)
    for line in lines:
        found.rows += 1
        said = _fields(export, line)
        if _is_total(export, line, said):
            found.totals += 1
            continue
        try:
            _note(seen, line)
            _add(found.costs, cost_of(_neutral(export, line, said, asked, habits)), export)
        except InvalidRequest as error:
            found.refused.append((line.number, error.faults[0]))
        except Refused as error:
            fault = error.refusal
            found.refused.append((line.number, FieldFault(fault.pointer, fault.code, fault.detail)))
    if table:
        _refuse_sums(export, table, found)
    return found


def _refuse_sums(export: Export, table: Table, found: Parsed) -> None:
    """A report of several days with all its rows on the first is one of sums. Raises UnreadableExport."""
    first, last = (_day_above(table.preamble, start) for start in export.period or ("", ""))
    if first and last and first != last and {cost.day for cost in found.costs.values()} == {first}:
        told = f"it is of {first} to {last}, and all its rows are of the first day"
        raise UnreadableExport(f"{told}: have the report broken down by day, or choose that day alone")


def _day_above(preamble: Sequence[str], start: str) -> date | None:
    for text in preamble:
        if start and (found := _DAY_ABOVE.search(text.partition(start)[2])):
            with suppress(ValueError):
                return datetime.strptime(found[0], "%B %d, %Y").date()  # noqa: DTZ007 (a day)
    return None


def _fields(export: Export, line: Line) -> dict[str, tuple[str, str]]:
    """By the name of a field its plain heading and what the line says there."""
    said = {}
    for name, headings in export.columns.items():
        plain = (plain_heading(one) for one in headings)
        heading = next((one for one in plain if one in line.cells), None)
        if heading is not None:
            said[name] = (heading, line.cells[heading])
    return said


def _is_total(export: Export, line: Line, said: Mapping[str, Any]) -> bool:
    if not any(name in said for name in export.total_without):
        headings = {plain_heading(one) for name in export.total_without for one in export.columns[name]}
        if headings & line.headings:
            return True
    day = said.get("date")
    return (day is None or bool(_TOTAL.match(day[1]))) and any(_TOTAL.match(cell) for cell in line.cells.values())


def _note(seen: set[frozenset[tuple[str, str]]], line: Line) -> None:
    cells = frozenset(line.cells.items())
    if cells in seen:
        raise InvalidRequest(FieldFault("", _REPEATED, "an earlier row is equal to this one"))
    seen.add(cells)


def _neutral(
    export: Export, line: Line, said: Mapping[str, tuple[str, str]], asked: Asked, habits: Habits
) -> dict[str, Any]:
    """The line as a neutral row. Raises Refused."""
    if line.is_too_long:
        raise Refused(Code.TOO_MANY_ITEMS, "", "it has more fields than the header names")
    row: dict[str, Any] = {name: text for name, (_heading, text) in said.items()}
    if "date" in row:
        row["date"] = _day(row["date"], habits)
        ends = {plain_heading(first): plain_heading(last) for first, last in export.last_day.items()}
        end = line.cells.get(ends.get(said["date"][0], ""), row["date"])
        if _day(end, habits) != row["date"]:
            raise Refused(Code.OUT_OF_RANGE, "/date", "it is of several days: have the report broken down by day")
    if not asked.decimals and line.headings and not export.is_final:
        _refuse_two_ways(row)
    micros = {plain_heading(one) for one in export.micros}
    for name in _NUMBERS:
        if name in row:
            row[name] = Decimal(number(row[name], habits, f"/{name}"))
            if said[name][0] in micros:
                row[name] = row[name].scaleb(-_MICROS)
    row["account_id"] = row.get("account_id", asked.account)
    row["currency"] = row.get("currency") or line.currency or asked.currency
    if export.source:
        row["source"] = export.source
    for name in export.without_dashes:
        row[name] = row.get(name, "").replace("-", "")
    return row


def _refuse_two_ways(row: Mapping[str, str]) -> None:
    for name in _NUMBERS:
        if _TWO_WAYS.fullmatch(row.get(name, "")):
            detail = "is this a thousand and more, or three decimals? Say --decimals comma or point"
            raise Refused(Code.WRONG_TYPE, f"/{name}", detail)


def _day(text: str, habits: Habits) -> str:
    return instant(text, habits, "/date")[:_DAY]


def _add(costs: dict[tuple[object, ...], Cost], cost: Cost, export: Export) -> None:
    """Beside what is there of the same day and ad. Raises InvalidRequest."""
    there = costs.get(cost.key)
    if there is None:
        costs[cost.key] = cost
        return
    if export.is_final or there.currency != cost.currency:
        detail = "an earlier row is of the same day, source, account, campaign, group and ad"
        raise InvalidRequest(FieldFault("", _REPEATED, detail))
    costs[cost.key] = there._replace(
        cost=there.cost + cost.cost,
        impressions=there.impressions + cost.impressions,
        clicks=there.clicks + cost.clicks,
        conversions=there.conversions + cost.conversions,
    )
