"""The demo month judged by the product's own pure parts: the door's parser, identity, fold and b2b model."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from services.ingest.protocols import native
from services.ingest.protocols.outcome import Arrival, Rejected
from services.scoring.domain import facts, identity
from services.scoring.domain.fold import fold
from services.scoring.domain.model import Model, parse
from services.scoring.domain.state import initial
from services.scoring.domain.timeline import alone
from services.scoring.domain.touchpoint import Touchpoint, decode
from shared.contracts import codec

SECRET = bytes(32)
LONG_AFTER = 4_000_000_000_000_000
TEMPLATE = Path("services/scoring/templates/b2b.yaml")


def model_of_template() -> Model:
    return parse(yaml.safe_load(TEMPLATE.read_text()))


def as_scored(item: dict[str, Any]) -> Touchpoint:
    """The touchpoint as the door puts it on the log and scoring reads it there; the door must not refuse it."""
    arrival = Arrival(workspace="w", secret=SECRET, received_at=LONG_AFTER, make_id=lambda: "")
    outcome = native.parse(msgspec.json.encode(item), arrival)
    assert not isinstance(outcome, Rejected), (outcome, item)
    return decode(codec.encode(outcome))


def leads_of(touchpoints: Iterable[Touchpoint]) -> list[list[Touchpoint]]:
    """The touchpoints of each lead, in order, each once."""
    unique = {touchpoint.id: touchpoint for touchpoint in touchpoints}.values()
    links: dict[str, list[identity.Link]] = defaultdict(list)
    for one in unique:
        for link in identity.links_of(one.keys, None, one.kind, one.occurred_at, one.id):
            links[link.key].append(link)
    owners = identity.owners({key: identity.runs_from(of_key) for key, of_key in links.items()})
    leads: dict[str, list[Touchpoint]] = defaultdict(list)
    for one in sorted(unique, key=lambda each: each.place):
        leads[identity.root_at(owners, one.strand, one.occurred_at)].append(one)
    return list(leads.values())


def funnel_by_channel(natives: Iterable[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Per channel of the first touch, how many cycles entered each status of the main path."""
    model = model_of_template()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for touchpoints in leads_of(map(as_scored, natives)):
        state = fold(alone(model), initial(), touchpoints)
        for cycle in facts.held(state):
            report = facts.facet(cycle)
            counts[str(report.dimensions["channel"])].update(report.steps.keys())
    return counts
