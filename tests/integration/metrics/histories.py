"""Random but repeatable facts of many leads."""

from random import Random
from uuid import UUID

from shared.clock import DAY, HOUR
from shared.contracts.lead_change import CycleFact, LeadChange
from tests.unit.metrics.builders import change, fact

_STEPS = ("anonymous", "known", "mql", "sal", "sql", "opportunity", "customer")
_CHANNELS = ("email", "web", "ads", "social", None)
_CAMPAIGNS = ("spring", "autumn", "übung/1 =?&", None)
_COUNTRIES = ("DK", "SE", None)


def random_fact(random: Random, number: int = 1) -> CycleFact:
    """A cycle that began in the last 40 days; some steps take no time at all."""
    at = random.randrange(-40 * DAY, 0)
    first = random.choice((0, 1)) if number == 1 else 1
    steps = {}
    for step in _STEPS[first : random.randint(first + 1, len(_STEPS))]:
        steps[step] = at
        at += random.choice((0, random.randrange(HOUR), random.randrange(12 * DAY)))
    ended = None if random.random() < 0.6 else (random.choice(("recycled", "lost", "disqualified")), at)
    touch = {
        "channel": random.choice(_CHANNELS),
        "campaign": random.choice(_CAMPAIGNS),
        "country": random.choice(_COUNTRIES),
        "device": random.choice(("phone", "desktop")),
    }
    return fact(ended=ended, number=number, touch=touch, **steps)


def random_changes(seed: int, leads: int, workspace: UUID, version: int = 1) -> list[LeadChange]:
    random = Random(seed)
    changes = []
    for lead in range(leads):
        facts: dict[str, CycleFact | None] = {"cycle:1": random_fact(random)}
        if random.random() < 0.3:
            facts["cycle:2"] = random_fact(random, 2) if random.random() < 0.8 else None
        changes.append(change(lead, version, facts, workspace=workspace))
    return changes
