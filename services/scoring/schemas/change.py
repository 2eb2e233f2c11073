"""A lead change, as polling consumers read it."""

from typing import Final, Literal
from uuid import UUID

from services.scoring.schemas.wire import Instant, Wire
from shared.vocabulary import Status


class Summary(Wire):
    """A lead in short, before or after a change."""

    status: Status
    stage: str | None
    furthest: str | None
    cycle: int
    engagement: float
    fit: float


class Transition(Wire):
    """A move of status or stage. A correction retracts it by this ``id``. ``origin`` is what it was before."""

    id: str
    axis: Literal["status", "stage"]
    to: str
    origin: str | None
    at: Instant
    cycle: int
    implied: bool
    rule: str | None
    cause: str


class Transitions(Wire):
    """What now holds and was not told before, and what was told and no longer holds."""

    added: list[Transition]
    retracted: list[Transition]


class Cause(Wire):
    """Why; exactly one is not null."""

    touchpoint_id: str | None
    timer: str | None
    merge: str | None
    model: int | None
    correction: str | None


class Dimensions(Wire):
    """What reports break a cycle down by: attributes of its first touch."""

    channel: str | None
    source: str | None
    campaign: str | None
    country: str | None
    device: str | None
    segment: str | None
    persona: str | None
    model_version: int | None


class Fact(Wire):
    """A cycle as reports count it: when each status of the main path was entered, and how it ended."""

    cycle: int
    steps: dict[str, Instant]
    implied: list[str]
    exit: str | None
    exited_at: Instant | None
    dimensions: Dimensions


class LeadChange(Wire):
    """One change of one lead. ``version`` only grows; keep the highest. ``facts``: those that differ, null is gone."""

    change_id: UUID
    sequence: int
    lead_id: UUID
    version: int
    kind: str
    at: Instant
    recorded_at: Instant
    before: Summary | None
    after: Summary | None
    transitions: Transitions
    facts: dict[str, Fact | None]
    cause: Cause
    model_version: int


class Changes(Wire):
    """Consecutive changes. ``next`` is always there: keep it, and come again with it."""

    data: list[LeadChange]
    next: str


EXAMPLE: Final = {
    "data": [
        {
            "change_id": "0d6a6ba5-93b7-5f2c-8e8c-d3a0a36a4c11",
            "sequence": 4711,
            "lead_id": "7c0e7b0a-6f3c-6e2b-9d3f-0c2f4b8a1d55",
            "version": 1099511627781,
            "kind": "became_mql",
            "at": "2026-11-20T09:14:03Z",
            "recorded_at": "2026-11-20T09:14:04.311902Z",
            "before": {
                "status": "known",
                "stage": "interest",
                "furthest": "interest",
                "cycle": 1,
                "engagement": 11.402113,
                "fit": 40.0,
            },
            "after": {
                "status": "mql",
                "stage": "consideration",
                "furthest": "consideration",
                "cycle": 1,
                "engagement": 31.402113,
                "fit": 40.0,
            },
            "transitions": {
                "added": [
                    {
                        "id": "4be2c0b9d9b1f3f0a9a7b1b8e1c2d3e4",
                        "axis": "status",
                        "to": "mql",
                        "origin": "known",
                        "at": "2026-11-20T09:14:03Z",
                        "cycle": 1,
                        "implied": False,
                        "rule": "mql_rule",
                        "cause": "9a41",
                    }
                ],
                "retracted": [],
            },
            "facts": {
                "cycle:1": {
                    "cycle": 1,
                    "steps": {
                        "anonymous": "2026-11-02T08:01:44.120000Z",
                        "known": "2026-11-14T10:31:09Z",
                        "mql": "2026-11-20T09:14:03Z",
                    },
                    "implied": [],
                    "exit": None,
                    "exited_at": None,
                    "dimensions": {
                        "channel": "search",
                        "source": "google",
                        "campaign": "autumn",
                        "country": "DK",
                        "device": "desktop",
                        "segment": None,
                        "persona": None,
                        "model_version": 1,
                    },
                }
            },
            "cause": {"touchpoint_id": "9a41", "timer": None, "merge": None, "model": None, "correction": None},
            "model_version": 1,
        }
    ],
    "next": "kqdjaGFuZ2VzkgHNEmc",
}
