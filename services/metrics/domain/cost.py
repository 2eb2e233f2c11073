"""What advertising cost: one row for a day and the finest thing that its export names (account, campaign, group, ad).

A row replaces an earlier one of the same key, so that a file that is sent twice changes nothing and a later export
corrects an earlier one. Amounts are exact decimals; currencies are never added together.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, NoReturn, cast

from shared.errors import FieldFault, InvalidRequest
from shared.vocabulary import Channel, Code

KEY: Final = ("day", "source", "account_id", "campaign_id", "adgroup_id", "ad_id")
"""The columns that say which row it is."""

LONGEST_ID: Final = 500
"""Bytes of each text of the key: five of them must fit an entry of the index."""

LONGEST_NAME: Final = 1_000
MOST: Final = 10**12
"""Of a count or an amount in one row."""

DECIMALS: Final = 9

FIELDS: Final = (
    "date",
    "channel",
    "source",
    "account_id",
    "campaign_id",
    "campaign_name",
    "adgroup_id",
    "ad_id",
    "currency",
    "cost",
    "impressions",
    "clicks",
    "conversions",
)
"""What a row may say, in the order of the neutral file."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_NUMBER: Final = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?", re.ASCII)
_FIRST_YEAR: Final = 1970


class Cost(NamedTuple):
    """One row, its values in the order of the table's columns."""

    day: date
    source: str
    account_id: str
    campaign_id: str
    adgroup_id: str
    ad_id: str
    channel: str
    campaign_name: str
    currency: str
    cost: Decimal
    impressions: int
    clicks: int
    conversions: Decimal

    @property
    def key(self) -> tuple[object, ...]:
        """Which row it is."""
        return self[: len(KEY)]


def cost_of(said: object) -> Cost:
    """A row of FIELDS, of JSON whose fractions are decimals. ``channel`` is ads unless it is said.

    Raises InvalidRequest with the first fault.
    """
    if not isinstance(said, Mapping):
        _refuse("", Code.NOT_AN_OBJECT, "a cost is a JSON object")
    unknown = next((name for name in said if name not in FIELDS), None)
    if unknown is not None:
        _refuse(f"/{unknown}", Code.UNKNOWN_VALUE, f"unknown field; known are: {', '.join(FIELDS)}")
    given = {name: value for name, value in said.items() if value not in (None, "")}
    for name in ("date", "source", "currency", "cost"):
        if name not in given:
            _refuse(f"/{name}", Code.MISSING, "a cost has date, source, currency and cost")
    return Cost(
        day=_day(given["date"]),
        source=_text(given, "source", LONGEST_ID),
        account_id=_text(given, "account_id", LONGEST_ID),
        campaign_id=_text(given, "campaign_id", LONGEST_ID),
        adgroup_id=_text(given, "adgroup_id", LONGEST_ID),
        ad_id=_text(given, "ad_id", LONGEST_ID),
        channel=_channel(given.get("channel", Channel.ADS)),
        campaign_name=_text(given, "campaign_name", LONGEST_NAME),
        currency=_currency(given["currency"]),
        cost=_amount(given, "cost"),
        impressions=_count(given, "impressions"),
        clicks=_count(given, "clicks"),
        conversions=_amount(given, "conversions"),
    )


def _day(value: object) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else date.min
    except ValueError:
        day = date.min
    if day.year < _FIRST_YEAR:
        _refuse("/date", Code.INVALID_INSTANT, "a day since 1970 as 2026-11-25")
    return day


def _text(given: Mapping[str, object], name: str, longest: int) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        _refuse(f"/{name}", Code.WRONG_TYPE, "this is a text (ids too)")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = -1
    if size < 0 or "\0" in value:
        _refuse(f"/{name}", Code.INVALID_TEXT, "this is no text: it holds NUL or half a character")
    if size > longest:
        _refuse(f"/{name}", Code.TOO_LONG, f"at most {longest} bytes")
    return value


def _channel(value: object) -> str:
    if value not in tuple(Channel):
        _refuse("/channel", Code.UNKNOWN_VALUE, f"one of {', '.join(Channel)}")
    return str(value)


def _currency(value: object) -> str:
    if not (isinstance(value, str) and _CURRENCY.fullmatch(value)):
        _refuse("/currency", Code.UNKNOWN_VALUE, "three capital letters such as EUR")
    return value


def _amount(given: Mapping[str, object], name: str) -> Decimal:
    value = given.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        _refuse(f"/{name}", Code.WRONG_TYPE, 'a number, best as a text: "12.34"')
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        _refuse(f"/{name}", Code.WRONG_TYPE, "a number has digits and a decimal point")
    amount = Decimal(value)
    if not 0 <= amount < MOST or amount != round(amount, DECIMALS):
        detail = f"from 0 to below {MOST}, with at most {DECIMALS} decimals"
        _refuse(f"/{name}", Code.OUT_OF_RANGE, detail)
    has_surplus_zeros = cast("int", amount.as_tuple().exponent) < -DECIMALS  # of which there may be a milliard
    return round(amount, DECIMALS) if has_surplus_zeros else amount


def _count(given: Mapping[str, object], name: str) -> int:
    amount = _amount(given, name)
    if amount != int(amount):
        _refuse(f"/{name}", Code.OUT_OF_RANGE, "a whole number")
    return int(amount)


def _refuse(pointer: str, code: Code, detail: str) -> NoReturn:
    raise InvalidRequest(FieldFault(pointer, code.value, detail))
