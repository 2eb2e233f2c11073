"""A touchpoint as scoring reads it: the fields that can change a lead, straight from the record's bytes."""

from typing import Any, NamedTuple

import msgspec


class Campaign(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The UTM fields as sent, and the ad's own ids."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None
    id: str | None = None
    click_id: str | None = None


class Page(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where it happened on the web."""

    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None


class Money(msgspec.Struct, frozen=True, gc=False):
    """An exact amount: decimal digits as text, and its ISO 4217 currency."""

    amount: str
    currency: str


class Touchpoint(msgspec.Struct, frozen=True, gc=False):
    """One interaction. ``keys[0]`` is its strand; ``occurred_at`` is in microseconds since 1970 in UTC.

    One that carries ``marks`` was a bot's or the workspace's own: it stays in the history, and no rule counts it.
    """

    workspace: str
    id: str
    kind: str
    channel: str
    occurred_at: int
    keys: tuple[str, ...]
    received_at: int = 0
    previous: str | None = None
    campaign: Campaign | None = None
    page: Page | None = None
    value: Money | None = None
    country: str | None = None
    device: str | None = None
    traits: dict[str, Any] = {}
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    marks: tuple[str, ...] = ()
    consent: dict[str, str] = {}

    @property
    def strand(self) -> str:
        """The highest-ranked key it carries itself."""
        return self.keys[0]

    @property
    def place(self) -> "Place":
        """Its place in the order inside a lead."""
        return Place(self.occurred_at, self.id)


class Place(NamedTuple):
    """A place in the order inside a lead: event time, ties by the bytes of the id (for text the same as by code
    points).
    """

    at: int
    id: str


_DECODER = msgspec.json.Decoder(Touchpoint)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def decode(value: bytes) -> Touchpoint:
    """The touchpoint in a record's bytes. Raises msgspec.DecodeError, msgspec.ValidationError or UnicodeDecodeError."""
    return _DECODER.decode(value)


def properties(touchpoint: Touchpoint) -> dict[str, Any]:
    """The decoded properties; empty when they are no object."""
    try:
        return _OBJECT.decode(touchpoint.properties)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def field(touchpoint: Touchpoint, path: tuple[str, ...]) -> Any:
    """The value of a dotted field, or None when it is not there."""
    head = path[0]
    if head == "properties":
        value: Any = properties(touchpoint)
        for name in path[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        return value
    found = getattr(touchpoint, head)
    if len(path) == 1 or found is None:
        return found
    if path == ("value", "amount"):
        return _number(found.amount)
    return getattr(found, path[1])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
