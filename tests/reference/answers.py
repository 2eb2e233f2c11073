"""What must be true of a whole workspace: every lead with its touchpoints, its life, its facts and its moves."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.reference.fold import fold
from tests.reference.funnel import Fact
from tests.reference.identity import Identity
from tests.reference.life import Life
from tests.reference.links import MOST_RUNS
from tests.reference.message import Message, lead_id
from tests.reference.model import infers_email_owner
from tests.reference.timeline import Models, newest


@dataclass(frozen=True)
class Lead:
    """One lead as it must be."""

    root: str
    lead_id: str
    life: Life

    @property
    def touchpoint_ids(self) -> list[str]:
        """Its touchpoints in order."""
        return [message["id"] for message in self.life.messages]

    @property
    def moves(self) -> list[tuple[Any, ...]]:
        """Its moves: axis, to, at, cycle, touchpoint that caused it (None for a timer), from, implied."""
        ids = set(self.touchpoint_ids)
        return [
            (
                each.axis,
                each.to,
                each.at,
                each.cycle,
                each.cause if each.cause in ids else None,
                each.origin,
                each.implied,
            )
            for each in self.life.moves
        ]

    def summary(self, at: int) -> dict[str, Any]:
        """What is shown of it at an instant not before its last touchpoint."""
        stages = [stage["name"] for stage in self.life.model["stages"]]
        return {
            "status": self.life.status,
            "stage": self.life.stage,
            "furthest": stages[self.life.furthest] if self.life.furthest >= 0 else None,
            "cycle": self.life.cycle,
            "since": [move.at for move in self.life.moves if move.axis == "status"][-1],
            "engagement": self.life.engagement(at),
            "fit": self.life.fit(),
            "traits": self.life.traits,
            "consent": self.life.consent.held,
            "visits": len(self.life.visits),
            "orders": self.life.orders,
            "first": self.life.messages[0]["id"],
            "last": self.life.messages[-1]["id"],
        }


def leads(
    messages: Iterable[Message], models: Models, secret: bytes, at: int, most_runs: int = MOST_RUNS
) -> dict[str, Lead]:
    """Every lead of a workspace by its root, timers applied up to ``at``."""
    identity = Identity(messages, infer_email_owner=infers_email_owner(newest(models)), most_runs=most_runs)
    return {
        root: Lead(root, lead_id(secret, root), fold(owned, models, at)) for root, owned in identity.leads().items()
    }


def facts(found: Iterable[Lead]) -> dict[tuple[str, str], Fact]:
    """All facts by (lead id, fact key)."""
    return {(lead.lead_id, key): fact for lead in found for key, fact in lead.life.facts.items()}
