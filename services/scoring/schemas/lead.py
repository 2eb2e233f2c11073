"""A lead."""

from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from services.scoring.schemas.wire import Anything, Instant, Wire
from shared.vocabulary import Status


class Score(Wire):
    """Engagement decays with time, fit does not. ``grade`` and ``propensity`` are null until a model declares them."""

    engagement: float | None
    fit: float | None
    grade: str | None = None
    propensity: float | None = None


class Identity(Wire):
    """A key that belongs to the lead. The address of an e-mail key is null when only its hash was ever sent."""

    type: str = Field(examples=["email"])
    value: str | None = Field(examples=["ann@example.com"])


class Touch(Wire):
    """A touchpoint in short."""

    id: str
    kind: str
    channel: str
    occurred_at: Instant
    source: str | None
    medium: str | None
    campaign: str | None
    country: str | None
    device: str | None


class Consent(Wire):
    """What the person said of a purpose, on whichever device, and since when it holds."""

    state: Literal["granted", "denied"]
    since: Instant


class Lead(Wire):
    """A person-shaped record under the strongest key known of them. All but the ids are null before a first touchpoint.

    ``merged_into`` names the lead that holds what was asked for, when that is not the key the lead is named by.
    ``stage`` is the last entered, ``furthest`` the highest of the cycle. ``stale`` says that input is being folded in.
    While ``consent`` to ``analytics`` or ``profiling`` is denied nothing is counted; what was never said is left out.
    ``version`` is that of the last change told. ``owner``, ``sla`` and ``next_action`` are null until there are any.
    """

    lead_id: UUID
    merged_into: UUID | None
    status: Status | None
    stage: str | None
    furthest: str | None
    score: Score
    since: Instant | None
    cycle: int
    stale: bool
    owner: str | None = None
    identities: list[Identity]
    more_identities: bool = Field(description="Of a lead of very many keys, and in lists, only some may be shown.")
    traits: Anything
    consent: dict[Literal["analytics", "profiling", "marketing"], Consent]
    first_touch: Touch | None
    last_touch: Touch | None
    sla: None = None
    next_action: None = None
    model_version: int
    version: int | None
    updated_at: Instant | None


EXAMPLE: Final = {
    "lead_id": "7c0e7b0a-6f3c-6e2b-9d3f-0c2f4b8a1d55",
    "merged_into": None,
    "status": "mql",
    "stage": "consideration",
    "furthest": "consideration",
    "score": {"engagement": 31.402113, "fit": 70.0, "grade": None, "propensity": None},
    "since": "2026-11-20T09:14:03Z",
    "cycle": 1,
    "stale": False,
    "owner": None,
    "identities": [
        {"type": "user_id", "value": "u-1841"},
        {"type": "email", "value": "ann@example.com"},
        {"type": "anonymous_id", "value": "3d9f6c1e"},
    ],
    "more_identities": False,
    "traits": {"email": "ann@example.com", "seniority": "vp", "employees": 120},
    "consent": {"profiling": {"state": "granted", "since": "2026-11-02T08:01:44.120000Z"}},
    "first_touch": {
        "id": "0f6b",
        "kind": "page_viewed",
        "channel": "search",
        "occurred_at": "2026-11-02T08:01:44.120000Z",
        "source": "google",
        "medium": "cpc",
        "campaign": "autumn",
        "country": "DK",
        "device": "desktop",
    },
    "last_touch": {
        "id": "9a41",
        "kind": "form_submitted",
        "channel": "web",
        "occurred_at": "2026-11-20T09:14:03Z",
        "source": None,
        "medium": None,
        "campaign": None,
        "country": "DK",
        "device": "desktop",
    },
    "sla": None,
    "next_action": None,
    "model_version": 1,
    "version": 1099511627781,
    "updated_at": "2026-11-20T09:14:04.311902Z",
}
