"""What an import says beside a mapping of its own, or beside none: how its file writes times, dates and amounts."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from services.ingest.domain.places import first
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.import_cells import Habits, instant, number
from services.ingest.protocols.mapping import Mapping as Mapped
from services.ingest.protocols.mapping import native_of
from shared.vocabulary import Code

_AT: Final = "/occurred_at"


@dataclass(frozen=True, slots=True)
class Beside:
    """Without habits, times and amounts are read as a touchpoint's own: ISO 8601, UTC without an offset, a point."""

    habits: Habits | None = None
    currency: str = ""
    """Of amounts that come without one."""

    def mapped(self, mapping: Mapped, row: Any) -> dict[str, Any]:
        """The native touchpoint that a row amounts to. Raises Refused."""
        when = mapping.occurred_at
        if self.habits is None or when is None or when.unit != "text":
            return self.plain(native_of(mapping, row))
        said = native_of(replace(mapping, occurred_at=None), row)
        found = first(when.place.find(row))
        if when.format is None or not isinstance(found, str) or not found.strip():
            return self.plain({**said, "occurred_at": found})
        try:
            moment = datetime.strptime(found.strip(), when.format)  # noqa: DTZ007 -- the file's zone is put in
        except ValueError:
            raise Refused(Code.INVALID_INSTANT, _AT, f"a time reads {when.format} here") from None
        return self.plain({**said, "occurred_at": moment.isoformat()})

    def plain(self, said: dict[str, Any]) -> dict[str, Any]:
        """A native touchpoint with its time and its amount as a touchpoint's own are written. Raises Refused."""
        if self.habits is None:
            return said
        at, value = said.get("occurred_at"), said.get("value")
        plain = dict(said)
        if isinstance(at, str):
            plain["occurred_at"] = instant(at.strip(), self.habits, _AT) if at.strip() else None
        if isinstance(value, dict) and value:
            amount = value.get("amount")
            exact = number(amount, self.habits, "/value/amount") if isinstance(amount, str) else amount
            said_currency = value.get("currency") or self.currency
            plain["value"] = {**value, "amount": exact} | ({"currency": said_currency} if said_currency else {})
        return plain


NOTHING_BESIDE: Final = Beside()
