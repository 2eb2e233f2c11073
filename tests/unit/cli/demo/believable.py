"""The demo month judged by scoring's own pure domain: identity, fold and b2b model, without a service."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from services.scoring.domain import facts, identity
from services.scoring.domain.fold import fold
from services.scoring.domain.model import Model, parse
from services.scoring.domain.state import initial
from services.scoring.domain.touchpoint import Touchpoint
from shared import identity_key
from shared.clock import from_datetime
from shared.vocabulary import KeyType

SECRET = bytes(32)
TEMPLATE = Path("services/scoring/templates/b2b.yaml")


def model_of_template() -> Model:
    return parse(yaml.safe_load(TEMPLATE.read_text()))


def as_scored(native: dict[str, Any]) -> Touchpoint:
    """A native touchpoint as the door would put it on the log, as far as the fold looks."""
    fields: dict[str, Any] = {
        name: native[name]
        for name in ("id", "kind", "channel", "campaign", "page", "value", "traits")
        if name in native
    }
    country = native.get("context", {}).get("country")
    at = from_datetime(datetime.fromisoformat(native["occurred_at"]))
    properties = msgspec.Raw(msgspec.json.encode(native.get("properties", {})))
    row: dict[str, Any] = {
        **fields,
        "workspace": "w",
        "occurred_at": at,
        "keys": keys_of(native["identity"]),
        "country": country,
    }
    return msgspec.structs.replace(msgspec.convert(row, Touchpoint), properties=properties)


def keys_of(given: dict[str, Any]) -> tuple[str, ...]:
    keys = set()
    for name, value in given.items():
        if name == "email":
            keys.add(identity_key.email_key(SECRET, value))
        elif name == "external":
            keys |= {identity_key.make(KeyType.EXTERNAL, text, system) for system, text in value.items()}
        elif name != "account_id":
            keys.add(identity_key.make(KeyType(name), value))
    return identity_key.strongest_first(keys)


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
        state = fold(model, initial(model.version, len(model.groups)), touchpoints)
        for cycle in facts.held(state):
            report = facts.facet(cycle)
            counts[str(report.dimensions["channel"])].update(report.steps.keys())
    return counts
