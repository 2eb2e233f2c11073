"""What the cells of other products' exports say: instants without an offset, amounts with separators, ids, flags.

Nothing is guessed: what may be read in two ways is refused until the import says which way it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from services.ingest.domain.refusal import Refused
from shared.clock import from_datetime, to_text
from shared.vocabulary import Code

Dates = Literal["dmy", "mdy"]
Decimals = Literal["point", "comma"]

_MICROSECONDS: Final = 1_000_000
_DATE: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T,]?\s*(.+))?")
_TIME: Final = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_AROUND: Final = re.compile(r"^[A-Z]{3}\s+|\s+[A-Z]{3}$|[\s€$£¥']")
_NUMBERS: Final[Mapping[str, re.Pattern[str]]] = {
    "point": re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"),
    "comma": re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?"),
}
_YES: Final = frozenset({"true", "yes", "1", "x", "checked"})
_SHORT_ID: Final = re.compile(r"[A-Za-z0-9]{15}")
_SUFFIXES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_UNESCAPED_COMMA: Final = re.compile(r"(?<!\^),")
_UNESCAPED_SEMICOLON: Final = re.compile(r"(?<!\^);")
_PRICE: Final = 3
_TWO_WAYS: Final = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b.*")
_COMMA: Final = re.compile(r"-?[\d.]*\d,\d+")
_WHICH_DATE: Final = "is the day first or the month? Say --dates dmy or mdy (in the API: dates)"


@dataclass(frozen=True, slots=True)
class Habits:
    """How the writer of a file writes: its zone, the order of day and month, the mark before decimals."""

    zone: ZoneInfo
    dates: Dates | None = None
    decimals: Decimals = "point"


def instant(value: Any, habits: Habits, pointer: str) -> str:
    """An instant as RFC 3339 in UTC, of a text (in the file's zone unless it has an offset) or a time of Parquet.

    A date alone is the midnight it begins with. Raises Refused.
    """
    text = value if isinstance(value, str) else str(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _written_date(text, habits, pointer)
    try:
        at = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=habits.zone))
        if at >= 0:
            return to_text(at)
    except OverflowError:
        pass
    raise Refused(Code.OUT_OF_RANGE, pointer, "an instant is of a year from 1970 to 9999, with all its digits")


def _written_date(text: str, habits: Habits, pointer: str) -> datetime:
    found = _DATE.fullmatch(text)
    time = _TIME.fullmatch(found[5].strip()) if found and found[5] else None
    if not found or (found[5] and not time):
        raise Refused(Code.INVALID_INSTANT, pointer, "this is no date and time that is known here")
    first, second, third = int(found[1]), int(found[3]), int(found[4])
    if len(found[1]) == len("2024"):
        year, month, day = first, second, third
    elif found[2] == "." or habits.dates == "dmy":
        day, month, year = first, second, third
    elif habits.dates == "mdy":
        month, day, year = first, second, third
    else:
        raise Refused(Code.INVALID_INSTANT, pointer, _WHICH_DATE)
    hour, minute, seconds = (int(time[1]), int(time[2]), int(time[3] or 0)) if time else (0, 0, 0)
    if time and time[4]:
        hour = hour % 12 + (12 if time[4][0] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, minute, seconds)  # noqa: DTZ001 -- the caller puts the zone in
    except ValueError:
        raise Refused(Code.INVALID_INSTANT, pointer, "there is no such day or time") from None


def number(value: Any, habits: Habits, pointer: str) -> str:
    """A number in plain digits with a point, without currency and separators. Raises Refused."""
    if not isinstance(value, str):
        return str(value)
    text = _AROUND.sub("", value.strip())
    if not _NUMBERS[habits.decimals].fullmatch(text):
        mark = "comma" if habits.decimals == "point" else "point"
        detail = f"this is no number with a decimal {habits.decimals}; if the file has a {mark}, say --decimals {mark}"
        raise Refused(Code.WRONG_TYPE, pointer, detail)
    return text.replace(",", "") if habits.decimals == "point" else text.replace(".", "").replace(",", ".")


def hint(said: Mapping[str, Any], pointer: str) -> str:
    """What an import may say so that a time or an amount which is refused at a pointer is read; empty when nothing."""
    at, value = said.get("occurred_at"), said.get("value")
    if pointer == "/occurred_at" and isinstance(at, str) and _TWO_WAYS.fullmatch(at.strip()):
        return _WHICH_DATE
    amount = value.get("amount") if isinstance(value, dict) else None
    if pointer == "/value/amount" and isinstance(amount, str) and _COMMA.fullmatch(amount.strip()):
        return "has the file a comma before decimals? Say --decimals comma (in the API: decimals)"
    return ""


def flag(value: Any, _habits: Habits, _pointer: str) -> bool:
    """Whether a box is ticked."""
    return str(value).strip().lower() in _YES


def unix(value: Any, _habits: Habits, pointer: str) -> str:
    """An instant of seconds since 1970. Raises Refused."""
    try:
        return to_text(int(str(value)) * _MICROSECONDS)
    except (ValueError, OverflowError):
        raise Refused(Code.INVALID_INSTANT, pointer, "a time is a number of seconds since 1970 here") from None


def salesforce_id(value: Any, _habits: Habits, _pointer: str) -> str:
    """A record's id with 18 letters, as Salesforce's own webhooks name it; reports have the first 15.

    The last three say which of the others are capitals, five of them each.
    """
    text = str(value).strip()
    if not _SHORT_ID.fullmatch(text):
        return text
    fives = (text[0:5], text[5:10], text[10:15])
    return text + "".join(_SUFFIXES[sum(one.isupper() << at for at, one in enumerate(five))] for five in fives)


def products_total(value: Any, _habits: Habits, _pointer: str) -> str:
    """What the products of a hit of Adobe Analytics cost together: ``category;name;quantity;price of all, ...``.

    Raises Refused.
    """
    products = [_UNESCAPED_SEMICOLON.split(one) for one in _UNESCAPED_COMMA.split(str(value))]
    try:
        return str(
            sum((Decimal(one[_PRICE]) for one in products if one[_PRICE : _PRICE + 1] not in ([], [""])), Decimal(0))
        )
    except InvalidOperation:
        raise Refused(Code.WRONG_TYPE, _pointer, "a product's price is a number") from None


CELLS: Final[Mapping[str, Callable[[Any, Habits, str], Any]]] = {
    "instant": instant,
    "number": number,
    "flag": flag,
    "unix": unix,
    "salesforce_id": salesforce_id,
    "products_total": products_total,
}
"""What a column may be, other than text."""
