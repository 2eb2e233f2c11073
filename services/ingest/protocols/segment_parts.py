"""The parts of a Segment call: page, campaign, money, consent, place. What does not fit is left out, never refused."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain import consent, money
from services.ingest.domain.instant import occurred_at, parse_instant
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.arrival import Surroundings, Told, surroundings, surroundings_by
from services.ingest.protocols.outcome import About, Arrival
from services.ingest.protocols.reading import read_object
from shared.contracts.touchpoint import Campaign, Money, Page
from shared.vocabulary import Code

EMPTY_OBJECT: Final[Mapping[str, Any]] = {}
_DEFAULT_CURRENCY: Final = "USD"
_COMMERCE: Final = ("order_", "product_", "cart_", "checkout_", "subscription_", "payment_", "opportunity_")
_PAGE_FIELDS: Final = ("url", "path", "title", "referrer")
DIRECT: Final = "$direct"
"""What RudderStack and PostHog write for a page that was reached from nowhere."""


_MAX_REMEMBERED: Final = 2_048
_PERSONAL: Final = (b'"ip"', b'"traits"')
"""Contexts with these are not to be remembered, and are hardly ever the same."""


class ContextSaid(NamedTuple):
    """A call's context, and what is read out of it: the page, and the query of its address, the campaign."""

    content: Mapping[str, Any]
    page: Page | None
    search: str | None
    campaign: Campaign | None


class Times(msgspec.Struct, frozen=True, gc=False):
    """The client's time of the event as it said it, its time of sending, and when it happened by our clock."""

    original: int | None
    sent_at: int | None
    occurred_at: int


def times_of(original: int | None, sent_at: int | None, received_at: int) -> Times:
    """The clock corrected by both of the client's times, where it gave both."""
    return Times(original, sent_at, occurred_at(received_at, original, sent_at))


def part(context: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside the context, empty when it is none."""
    value = context.get(name)
    return value if isinstance(value, dict) else EMPTY_OBJECT


def text(said: Mapping[str, Any], name: str) -> str | None:
    """A text, or a number as text; None when it is empty or something else."""
    value = said.get(name)
    if value is None or type(value) is str:
        return value or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def context_said(raw: msgspec.Raw, around: Mapping[str, Any], arrival: Arrival) -> tuple[ContextSaid, Surroundings]:
    """The context over what the batch says for all, and the surroundings it tells. Most visitors send the same again.

    Raises Refused.
    """
    data = bytes(raw)
    if around or len(data) > _MAX_REMEMBERED or any(data.find(mark) >= 0 for mark in _PERSONAL):
        content = {**around, **read_object(raw, "/context")}
        return _taken_apart(content), surroundings(told(content), arrival)
    return _remembered(data, arrival.about)


@lru_cache(maxsize=2048)
def _remembered(data: bytes, given: About) -> tuple[ContextSaid, Surroundings]:
    content = read_object(msgspec.Raw(data), "/context")
    return _taken_apart(content), surroundings_by(told(content), given)


def _taken_apart(content: Mapping[str, Any]) -> ContextSaid:
    search = text(part(content, "page"), "search")
    return ContextSaid(content, page_said(content, EMPTY_OBJECT), search, campaign_said(content))


def page_said(context: Mapping[str, Any], properties: Mapping[str, Any]) -> Page | None:
    """The page: of a page call from its properties first, otherwise from the context."""
    page = part(context, "page")
    if not page and not properties:
        return None
    url, path, title, referrer = [text(properties, name) or text(page, name) for name in _PAGE_FIELDS]
    referrer = None if referrer == DIRECT else referrer
    if url or path or title or referrer:
        return Page(url=url, path=path, title=title, referrer=referrer)
    return None


def campaign_said(context: Mapping[str, Any]) -> Campaign | None:
    """The UTM fields, which SDKs send without ``utm_`` (``utm_campaign`` as ``name``)."""
    said = part(context, "campaign")
    if not said:
        return None
    return Campaign(
        source=text(said, "source"),
        medium=text(said, "medium"),
        name=text(said, "name"),
        term=text(said, "term"),
        content=text(said, "content"),
        id=text(said, "id"),
    )


def money_said(properties: Mapping[str, Any], kind: str) -> Money | None:
    """Revenue; or total or value, where the currency or the kind says that these are money."""
    currency = properties.get("currency")
    names = ("revenue", "total", "value") if currency or kind.startswith(_COMMERCE) else ("revenue",)
    for name in names:
        value = properties.get(name)
        if value is not None and (amount := money.lenient_amount(value)) is not None:
            return Money(amount, money.lenient_currency(currency, _DEFAULT_CURRENCY))
    return None


def told(context: Mapping[str, Any]) -> Told:
    """What the context says of where somebody was, with what, and of consent."""
    return Told(
        context.get("userAgent"),
        part(context, "device").get("type") if "device" in context else None,
        part(context, "location").get("country") if "location" in context else None,
        context.get("locale"),
        context.get("ip"),
        consent.from_context(context),
    )


def instant_said(value: Any, pointer: str) -> int | None:
    """The client's time of the event. Raises Refused when it is none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(Code.INVALID_INSTANT, pointer, "a time is ISO 8601 text")
    return parse_instant(value, pointer)


def sending_said(value: Any) -> int | None:
    """The client's time of sending; it only corrects the clock, so a bad one corrects nothing."""
    return _sending_said(value) if type(value) is str and value else None


@lru_cache(maxsize=256)
def _sending_said(value: str) -> int | None:
    """Remembered, as it is one for the whole batch."""
    try:
        return parse_instant(value, "")
    except Refused:
        return None
