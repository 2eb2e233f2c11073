"""How a lead got where it is."""

from typing import Any, Final, Literal
from uuid import UUID

from pydantic import Field

from services.scoring.schemas.wire import Anything, Instant, Wire


class Cause(Wire):
    """What decided: the rule's name, and the touchpoint, null when time alone did."""

    rule: str
    touchpoint_id: str | None


class Interval(Wire):
    """A status or a stage from ``since`` until ``until``, null while it lasts. Implied ones were skipped: no length."""

    axis: Literal["status", "stage"]
    value: str
    cycle: int
    since: Instant
    until: Instant | None
    implied: bool
    previous: str | None
    cause: Cause


class History(Wire):
    """All intervals by their entry. While ``stale``, late input is being folded in and may change them."""

    lead_id: UUID
    stale: bool
    data: list[Interval]
    next: None = None


class Line(Wire):
    """One line of the score: ``points`` given at ``at``, ``value`` counts now; ``limit`` takes away what it cuts.

    ``withheld`` says why a touchpoint that the rule means gave nothing: ``consent_withdrawn``.
    """

    axis: Literal["engagement", "fit"]
    group: str
    rule: str
    points: float
    value: float
    touchpoint_id: str | None
    at: Instant | None
    withheld: Literal["consent_withdrawn"] | None = None


class Ledger(Wire):
    """Every point of a score at ``as_of``. The values of an axis sum up to its score, to within 0.000001."""

    lead_id: UUID
    as_of: Instant
    score: dict[Literal["engagement", "fit"], float]
    data: list[Line]
    next: None = None


class Campaign(Wire):
    """The UTM fields as sent, and the ad's own ids."""

    source: str | None
    medium: str | None
    name: str | None
    term: str | None
    content: str | None
    id: str | None
    click_id: str | None


class SeenPage(Wire):
    """Where it happened on the web."""

    url: str | None
    path: str | None
    title: str | None
    referrer: str | None


class Money(Wire):
    """An exact amount."""

    amount: str = Field(examples=["129.00"])
    currency: str = Field(examples=["EUR"])


class Step(Wire):
    """A touchpoint as it was accepted. ``identity`` is what the sender said of who it was.

    ``channel_rule`` names the rule that found the channel; ``marks`` say why no rule counts it.
    """

    id: str
    kind: str
    channel: str
    channel_rule: str | None
    occurred_at: Instant
    received_at: Instant
    recorded_at: Instant
    protocol: str
    campaign: Campaign | None
    page: SeenPage | None
    value: Money | None
    country: str | None
    device: str | None
    browser: str | None
    os: str | None
    language: str | None
    marks: list[str]
    consent: dict[str, str]
    account: str | None
    traits: Anything
    identity: Any
    properties: Any


class Journey(Wire):
    """A page of a lead's touchpoints."""

    lead_id: UUID
    data: list[Step]
    next: str | None


_LEAD: Final = "7c0e7b0a-6f3c-6e2b-9d3f-0c2f4b8a1d55"
HISTORY_EXAMPLE: Final = {
    "lead_id": _LEAD,
    "stale": False,
    "data": [
        {
            "axis": "status",
            "value": "known",
            "cycle": 1,
            "since": "2026-11-14T10:31:09Z",
            "until": "2026-11-20T09:14:03Z",
            "implied": False,
            "previous": "anonymous",
            "cause": {"rule": "identified", "touchpoint_id": "5c20"},
        },
        {
            "axis": "status",
            "value": "mql",
            "cycle": 1,
            "since": "2026-11-20T09:14:03Z",
            "until": None,
            "implied": False,
            "previous": "known",
            "cause": {"rule": "mql_rule", "touchpoint_id": "9a41"},
        },
    ],
    "next": None,
}
LEDGER_EXAMPLE: Final = {
    "lead_id": _LEAD,
    "as_of": "2026-11-25T19:10:20Z",
    "score": {"engagement": 17.71446, "fit": 40.0},
    "data": [
        {
            "axis": "engagement",
            "group": "content",
            "rule": "content_requested",
            "points": 20.0,
            "value": 17.714460317,
            "touchpoint_id": "9a41",
            "at": "2026-11-20T09:14:03Z",
        },
        {
            "axis": "fit",
            "group": "",
            "rule": "seniority",
            "points": 40.0,
            "value": 40.0,
            "touchpoint_id": None,
            "at": None,
        },
    ],
    "next": None,
}
JOURNEY_EXAMPLE: Final = {
    "lead_id": _LEAD,
    "data": [
        {
            "id": "9a41",
            "kind": "form_submitted",
            "channel": "web",
            "channel_rule": "direct",
            "occurred_at": "2026-11-20T09:14:03Z",
            "received_at": "2026-11-20T09:14:03.480112Z",
            "recorded_at": "2026-11-20T09:14:04.311902Z",
            "protocol": "segment",
            "campaign": None,
            "page": {
                "url": "https://dairy.example/ebook",
                "path": "/ebook",
                "title": "The e-book",
                "referrer": None,
            },
            "value": None,
            "country": "DK",
            "device": "desktop",
            "browser": "Firefox",
            "os": "Linux",
            "language": "da",
            "marks": [],
            "consent": {"profiling": "granted"},
            "account": None,
            "traits": {},
            "identity": {"anonymous_id": "3d9f6c1e", "user_id": "u-1841"},
            "properties": {"form": "ebook"},
        }
    ],
    "next": "kqdqb3VybmV5ks8ABkK-",
}
