"""Exact amounts: decimal digits as text, never a binary float."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
_MAX_DIGITS: Final = 15
_MAX_PLACES: Final = 9


def amount_text(amount: Decimal, pointer: str) -> str:
    """The amount in plain digits. Raises Refused beyond 15 digits before or 9 behind the point."""
    if not amount.is_finite():
        raise Refused(Code.NOT_FINITE, pointer, "an amount is a finite decimal number")
    exponent = amount.as_tuple().exponent
    if amount.adjusted() >= _MAX_DIGITS or not isinstance(exponent, int) or -exponent > _MAX_PLACES:
        detail = f"an amount has at most {_MAX_DIGITS} digits before and {_MAX_PLACES} behind the point"
        raise Refused(Code.OUT_OF_RANGE, pointer, detail)
    return format(amount, "f")


def currency_code(text: str, pointer: str) -> str:
    """ISO 4217 code in capitals. Raises Refused when it is not three letters."""
    if not _CURRENCY.fullmatch(text):
        raise Refused(Code.UNKNOWN_VALUE, pointer, "a currency is an ISO 4217 code of three letters, such as EUR")
    return text.upper()


def lenient_amount(value: Any) -> str | None:
    """The amount somewhere in free properties, None when it is none: free properties refuse nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return amount_text(Decimal(str(value).strip()), "")
    except (InvalidOperation, Refused):
        return None


def lenient_currency(value: Any, default: str) -> str:
    """The currency somewhere in free properties."""
    return value.upper() if isinstance(value, str) and _CURRENCY.fullmatch(value) else default
