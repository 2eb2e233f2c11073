"""Cost exports of ad platforms as costs: one declarative document for each platform, beside this module.

Rows of one day and ad that differ in what is not kept (a device, say) are added up; equal rows are refused, as the file
holds something twice. Totals are passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.cli.costs.lines import Line, is_json, json_lines, table_lines, text_of
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.import_cells import Dates, Decimals, Habits, instant, number
from services.ingest.protocols.import_ready import plain_heading
from services.metrics.domain.cost import Cost, cost_of
from shared.errors import FieldFault, InvalidRequest
from shared.vocabulary import Code

_TOTAL: Final = re.compile(r"(grand )?total\b", re.IGNORECASE)
_TWO_WAYS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""A thousand and more, or three decimals."""

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

    last_day: list[str] = []
    """Headings of a row's last day, which must be its first."""

    total_without: str = ""
    """A row without this field, in a file that has it, is a total."""

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
    for line, habits in _lines(export, data, asked):
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
    return found


def _lines(export: Export, data: bytes, asked: Asked) -> Iterator[tuple[Line, Habits]]:
    """The lines, each with how its numbers and days are written: in JSON always alike."""
    text = text_of(data)
    if is_json(text):
        for line in json_lines(text, export.rows):
            yield line, Habits(_UTC)
    else:
        for line in table_lines(text, export.columns["date"], export.columns["cost"]):
            yield line, Habits(_UTC, asked.dates, asked.decimals or "point")


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
    if export.total_without and export.total_without not in said:
        headings = map(plain_heading, export.columns[export.total_without])
        if any(one in line.headings for one in headings):
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
        ends = [line.cells[one] for one in map(plain_heading, export.last_day) if one in line.cells]
        if any(_day(end, habits) != row["date"] for end in ends):
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
            detail = "is this a thousand and more, or three decimals? Say decimals: comma or point"
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
