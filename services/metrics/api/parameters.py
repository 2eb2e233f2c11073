"""Query parameters of a funnel, read into the question they ask."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, NoReturn
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from services.metrics.api.reach import reach_of
from services.metrics.domain.calendar import Days, day_number
from services.metrics.domain.cycle import ATTRIBUTES, LONGEST_VALUE, STEPS
from services.metrics.domain.question import Basis, Question
from shared.clock import DAY, HOUR, MINUTE, SECOND, from_datetime
from shared.errors import FieldFault, InvalidRequest

DEFAULT_DAYS: Final = 30
MOST_GROUPINGS: Final = 2
LONGEST_RANGE: Final = 3660 * DAY

_UNITS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_BASES: Final = tuple(basis.value for basis in Basis)


def _described(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
DOCUMENTED: Final[dict[str, Any]] = {
    "parameters": [
        _described("from", "First instant (RFC 3339) or local date; default: 30 local days before `to`.", _TEXT),
        _described("to", "The end, itself excluded; default: the end of today in `tz`.", _TEXT),
        _described("by", f"Up to two of: {', '.join(ATTRIBUTES)}.", _TEXTS),
        _described("filter", "`channel:email`; nothing after the colon asks for those without a value.", _TEXTS),
        _described("basis", "`cohort`: who entered in the period; `period`: moves made in it.", {"enum": _BASES}),
        _described("unit", "What is counted.", {"enum": ["cycle"]}),
        _described(
            "entry", "The first step; funnels from another than `known` cost the leads in range.", {"enum": STEPS}
        ),
        _described(
            "window",
            "Only what happened within this time of the first step: `30d`, `12h`. 7, 14, 30, 60, 90, 180 and 365 days"
            " are answered from sums.",
            _TEXT,
        ),
        _described("tz", "IANA zone of the days; default: the workspace's own.", _TEXT),
    ]
}
"""``openapi_extra`` of a route that takes a question."""

KNOWN: Final = frozenset(parameter["name"] for parameter in DOCUMENTED["parameters"])
"""The names of the parameters."""


async def question_of(request: Request) -> Question:
    """The question in a request, read by hand: declared one by one, the parameters would cost more than the answer."""
    given, reach = request.query_params, reach_of(request)
    zone = _zone(given.get("tz") or reach.settings.time_zones[0])
    start, end, window = given.get("from"), given.get("to"), given.get("window")
    until = _default_end(zone, reach.clock.now()) if end is None else _instant("to", end, zone)
    begin = _default_start(zone, until) if start is None else _instant("from", start, zone)
    basis = tuple(Basis)[_one_of("basis", given.get("basis", Basis.COHORT.value), _BASES)]
    _one_of("unit", given.get("unit", "cycle"), ("cycle",))
    if not begin < until <= begin + LONGEST_RANGE:
        _refuse("from", "out_of_range", "`from` must lie before `to`, by ten years at most")
    if basis is Basis.PERIOD and window is not None:
        _refuse("window", "not_together", "a window belongs to the cohort basis")
    return Question(
        basis=basis,
        entry=_one_of("entry", given.get("entry", "known"), STEPS),
        start=begin,
        end=until,
        zone=zone.key,
        by=_groupings(given.getlist("by")),
        where=dict(_condition(text) for text in given.getlist("filter")),
        window=None if window is None else _duration(window),
    )


Asked = Annotated[Question, Depends(question_of)]
"""The question of a request's query parameters, which DOCUMENTED describes."""


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        _refuse("tz", "unknown_value", "use an IANA name such as Europe/Copenhagen")


def _default_end(zone: ZoneInfo, now: int) -> int:
    days = Days(0, zone)
    return days.start(days.period(now) + 1)


def _default_start(zone: ZoneInfo, end: int) -> int:
    days = Days(0, zone)
    return days.start(days.period(end - 1) + 1 - DEFAULT_DAYS)


def _instant(name: str, text: str, zone: ZoneInfo) -> int:
    try:
        if len(text) == len("2026-11-25"):
            return Days(0, zone).start(day_number(date.fromisoformat(text)))
        moment = datetime.fromisoformat(text)
        return from_datetime(moment.astimezone(UTC) if moment.tzinfo else moment)
    except (ValueError, OverflowError, TypeError):
        _refuse(name, "invalid_instant", "use 2026-11-25 or 2026-11-25T10:00:00Z (a plus sign is written %2B)")


def _groupings(given: Iterable[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for part in given for name in part.split(",") if name))
    for name in names:
        _one_of("by", name, ATTRIBUTES)
    if len(names) > MOST_GROUPINGS:
        _refuse("by", "too_many_items", "group by two attributes at most")
    return names


def _condition(text: str) -> tuple[str, str | None]:
    name, colon, value = text.partition(":")
    if not colon:
        _refuse("filter", "wrong_type", "write name:value, for example channel:email")
    _one_of("filter", name, ATTRIBUTES)
    if "\0" in value:
        _refuse("filter", "invalid_text", "a value holds no NUL")
    return name, value[:LONGEST_VALUE] or None


def _duration(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) <= len("123456") and unit in _UNITS):
        _refuse("window", "invalid_duration", "write a whole number and one of s, m, h, d, for example 30d")
    return int(number) * _UNITS[unit]


def _one_of(parameter: str, value: str, known: tuple[str, ...]) -> int:
    if value not in known:
        _refuse(parameter, "unknown_value", f"use one of {', '.join(known)}")
    return known.index(value)


def _refuse(parameter: str, code: str, detail: str) -> NoReturn:
    raise InvalidRequest(FieldFault(parameter, code, detail))
