"""Readable touchpoints and a small model for tests of the pure domain."""

from typing import Any, Final

import msgspec
import yaml

from services.scoring.domain import state as states
from services.scoring.domain.fold import fold
from services.scoring.domain.model import Model, parse
from services.scoring.domain.state import State
from services.scoring.domain.timeline import alone
from services.scoring.domain.touchpoint import Campaign, Money, Page, Touchpoint
from shared.clock import DAY

T0: Final = 20_000 * DAY
USER: Final = "5user_id:u1"
DEVICE: Final = "1anonymous_id:a1"

SMALL: Final = """
name: small
version: 7
visit_gap: 30m
engagement:
  limit: {min: 0, max: 100}
  groups:
    - name: web
      half_life: 10d
      limit: {max: 30}
      rules:
        - {name: pricing, when: {kind: page_viewed, where: {page.path: {prefix: /pricing}}}, points: 10, max_per_day: 2}
        - {name: welcome, when: {kind: trial_started}, points: 25, once: true}
    - name: against
      half_life: 1d
      limit: {min: -50, max: 0}
      rules:
        - {name: careers, when: {kind: page_viewed, where: {page.path: /careers}}, points: -40}
fit:
  limit: {min: 0, max: 50}
  rules:
    - {name: senior, when: {trait: {name: seniority, in: [vp, c_level]}}, points: 40}
    - {name: large, when: {trait: {name: employees, at_least: 100}}, points: 30}
statuses:
  mql:
    when: {engagement: {at_least: 20}}
    unless: {trait: {name: competitor, equals: true}}
    cool_down: 5d
  sql: {when: {did: {kind: demo_requested}}}
  recycled: {from: [mql, sql], when: {inactive_for: 30d}}
  churned: {when: {inactive_for: 100d}}
  reopened: {from: [lost, churned], when: {did: {kind: demo_requested}}}
stages:
  - {name: awareness, label: {en: Awareness}, enter_when: {touched: true}}
  - {name: interest, enter_when: {visits: {at_least: 2}}}
  - {name: decision, enter_when: {did: {kind: demo_requested}}, reenter_when: {did: {kind: price_requested}}}
  - {name: action, enter_when: {status: [customer]}}
"""


def model(source: str = SMALL) -> Model:
    """The small model, or another."""
    return parse(yaml.safe_load(source))


def touch(number: int, kind: str, at: int, *keys: str, **fields: Any) -> Touchpoint:
    """A touchpoint of one user unless keys are given; ``properties`` as a mapping, ``path`` of a page, ``amount``."""
    properties = msgspec.Raw(msgspec.json.encode(fields.pop("properties", {})))
    if "path" in fields:
        fields["page"] = Page(path=fields.pop("path"))
    if "amount" in fields:
        fields["value"] = Money(fields.pop("amount"), "EUR")
    if "source" in fields:
        fields["campaign"] = Campaign(source=fields.pop("source"))
    channel = fields.pop("channel", "web")
    return Touchpoint("w", f"t{number:03}", kind, channel, at, keys or (USER,), properties=properties, **fields)


def folded(*touchpoints: Touchpoint, of: Model | None = None) -> State:
    """A lead with these touchpoints."""
    return fold(alone(of or model()), states.initial(), touchpoints)


def entered(state: State, axis: str = "status") -> list[tuple[str, bool]]:
    """What the present cycle entered on an axis, and whether it was implied."""
    cycle = state.cycle
    return [(entry.to, entry.implied) for entry in cycle.entries if entry.axis == axis] if cycle else []
