"""Every point of a score: which rule, which touchpoint, how many, decayed to what; the lines sum to the score."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.scoring.domain import engagement
from services.scoring.domain.fold import begun, engagement_at, fold, now_of
from services.scoring.domain.model import Model
from services.scoring.domain.state import State
from services.scoring.domain.timeline import alone
from services.scoring.domain.touchpoint import Touchpoint

WITHDRAWN: Final = "consent_withdrawn"


class Line(NamedTuple):
    """One line. ``points`` as given at ``at``, ``value`` as it counts now; a limit's line takes away what it cuts.

    ``withheld`` says why a touchpoint that a rule means gave no points, where somebody may ask.
    """

    axis: str
    group: str
    rule: str
    points: float
    value: float
    touchpoint_id: str | None = None
    at: int | None = None
    withheld: str | None = None


class Ledger(NamedTuple):
    """The lines and the two scores they sum to, at an instant."""

    lines: tuple[Line, ...]
    engagement: float
    fit: float


def ledger(model: Model, touchpoints: Iterable[Touchpoint], at: int) -> Ledger:
    """The ledger of a lead with these touchpoints (in order, none after ``at``).

    Points are read off the fold itself, one touchpoint at a time, so the ledger cannot disagree with the score.
    """
    timeline = alone(model)
    state = begun(timeline, at)
    lines: list[Line] = []
    for touchpoint in touchpoints:
        after = fold(timeline, state, [touchpoint])
        lines.extend(_given(model, state, after, touchpoint, at))
        state = after
    return Ledger(
        (*lines, *_limits(model, state, at), *_fit(model, state, at)), engagement_at(model, state, at), state.fit
    )


def _given(model: Model, before: State, after: State, touchpoint: Touchpoint, at: int) -> Iterable[Line]:
    for rule in model.points_by_kind.get(touchpoint.kind, ()) if not touchpoint.marks else ():
        if not rule.matcher.matches(touchpoint):
            continue
        group = model.groups[rule.group]
        if after.is_withdrawn:
            line = Line("engagement", group.name, rule.name, 0.0, 0.0, touchpoint.id, touchpoint.occurred_at)
            yield line._replace(withheld=WITHDRAWN)
            continue
        refused_once = rule.once and rule.index in before.once
        refused_today = rule.max_per_day is not None and before.per_day.get(rule.index) == after.per_day.get(rule.index)
        if not refused_once and not refused_today:
            value = engagement.value_at((touchpoint.occurred_at, rule.points), at, group.half_life)
            yield Line("engagement", group.name, rule.name, rule.points, value, touchpoint.id, touchpoint.occurred_at)


def _limits(model: Model, state: State, at: int) -> Iterable[Line]:
    total = 0.0
    for group, pair in zip(model.groups, state.groups, strict=True):
        value = engagement.value_at(pair, at, group.half_life) if pair[1] else 0.0
        clamped = min(group.high, max(group.low, value))
        total += clamped
        if clamped != value:
            yield Line("engagement", group.name, "limit", clamped - value, clamped - value)
    clamped = min(model.high, max(model.low, total))
    if clamped != total:
        yield Line("engagement", "", "limit", clamped - total, clamped - total)


def _fit(model: Model, state: State, at: int) -> Iterable[Line]:
    now = now_of(model, state, at)
    total = 0.0
    for rule in model.fit_rules:
        if rule.holds(now):
            total += rule.points
            yield Line("fit", "", rule.name, rule.points, rule.points)
    clamped = min(model.fit_high, max(model.fit_low, total))
    if clamped != total:
        yield Line("fit", "", "limit", clamped - total, clamped - total)
