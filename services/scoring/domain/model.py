"""A model: the versioned, declarative definition of scoring, qualification and stages of a workspace
(``docs/models.md``).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from services.scoring.domain import engagement as decayed
from services.scoring.domain.condition import (
    All,
    AnyOf,
    Condition,
    Did,
    Engaged,
    Inactive,
    InvalidModel,
    Matcher,
    Not,
    Now,
    Parser,
    Predicate,
    Trait,
    Visits,
    compiled,
    duration,
    matcher,
)
from services.scoring.domain.engagement import Group
from services.scoring.domain.state import State
from shared.vocabulary import Status

_T = TypeVar("_T")

DEFAULT_VISIT_GAP: Final = 30 * 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class PointsRule:
    """Points for a matching touchpoint; ``index`` is its place among all points rules."""

    index: int
    name: str
    group: int
    matcher: Matcher
    points: float
    once: bool
    max_per_day: int | None


class FitRule(NamedTuple):
    """Points for who somebody is."""

    name: str
    holds: Predicate
    points: float


class TimedAtom(NamedTuple):
    """A part of a rule whose truth time alone can change; ``rising`` says which change can make the rule true."""

    condition: Did | Visits | Engaged | Inactive
    rising: bool


@dataclass(frozen=True, slots=True)
class StatusRule:
    """When a status is entered by rule: from which statuses, on what, and after which cool-down (microseconds)."""

    name: str
    to: Status
    sources: frozenset[Status]
    holds: Predicate
    cool_down: int
    timed: tuple[TimedAtom, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the workspace's funnel, in the model's order."""

    name: str
    label: Mapping[str, str]
    enter_when: Predicate
    reenter_when: Predicate | None
    timed: tuple[TimedAtom, ...]
    retimed: tuple[TimedAtom, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A parsed model, laid out so that a touchpoint meets only what it can change.

    ``points_by_kind`` and ``dids_by_kind`` list what a touchpoint of that kind can match, ``rules_from`` the rules that
    can move a lead out of a status, ``ahead[furthest + 1]`` the stages that can still be entered and on what.
    ``score`` is the engagement of a state at an instant, ``fit_of_nobody`` the fit of a lead without traits.
    """

    name: str
    version: int
    infer_email_owner: bool
    visit_gap: int
    groups: tuple[Group, ...]
    low: float
    high: float
    points_rules: tuple[PointsRule, ...]
    points_by_kind: Mapping[str, tuple[PointsRule, ...]]
    fit_rules: tuple[FitRule, ...]
    fit_low: float
    fit_high: float
    fit_of_nobody: float
    dids_by_kind: Mapping[str, tuple[tuple[Did, Matcher], ...]]
    did_count: int
    visits_kept: int
    rules: tuple[StatusRule, ...]
    stages: tuple[Stage, ...]
    score: Callable[[State, int], float]
    rules_from: Mapping[str, tuple[StatusRule, ...]]
    ahead: tuple[tuple[tuple[int, Predicate], ...], ...]

    def fit(self, now: Now) -> float:
        """The quantised score of a lead's traits."""
        return _fit(self.fit_rules, now, self.fit_low, self.fit_high)


_SOURCES: Final = {
    "known": frozenset({Status.ANONYMOUS}),
    "sql": frozenset({Status.KNOWN, Status.MQL, Status.SAL, Status.RECYCLED}),
    "mql": frozenset({Status.KNOWN, Status.RECYCLED}),
    "recycled": frozenset({Status.MQL, Status.SAL, Status.SALES_QUALIFIED, Status.LOST}),
    "churned": frozenset({Status.CUSTOMER}),
    "reopened": frozenset({Status.DISQUALIFIED, Status.LOST, Status.CHURNED}),
}
"""From where each status may be entered by a model's rule (core 4), in the order in which the rules are tried."""


def parse(source: Any) -> Model:
    """The model of a decoded YAML or JSON file. Raises InvalidModel naming the place and what is expected there."""
    if not isinstance(source, dict):
        raise InvalidModel("a model is a mapping")
    parser = Parser()
    engagement, fit = source.get("engagement", {}), source.get("fit", {})
    groups, rules = _groups(engagement)
    low, high = _limit(engagement, "engagement")
    fit_low, fit_high = _limit(fit, "fit")
    fit_rules = tuple(_fit_rule(rule, parser, f"fit.rules[{i}]") for i, rule in enumerate(fit.get("rules", [])))
    statuses = _status_rules(source.get("statuses", {}), parser)
    stages = tuple(_stage(one, parser, f"stages[{i}]") for i, one in enumerate(source.get("stages", [])))
    return Model(
        name=str(source.get("name", "model")),
        version=int(source.get("version", 1)),
        infer_email_owner=bool(source.get("identity", {}).get("infer_email_owner", True)),
        visit_gap=duration(source["visit_gap"], "visit_gap") if "visit_gap" in source else DEFAULT_VISIT_GAP,
        groups=groups,
        low=low,
        high=high,
        points_rules=rules,
        points_by_kind=_by_kind([(rule.matcher, rule) for rule in rules]),
        fit_rules=fit_rules,
        fit_low=fit_low,
        fit_high=fit_high,
        fit_of_nobody=_fit(fit_rules, Now(State(0), 0, lambda *_: 0.0), fit_low, fit_high),
        dids_by_kind=_by_kind([(parser.matchers[did.index], (did, parser.matchers[did.index])) for did in parser.dids]),
        did_count=len(parser.matchers),
        visits_kept=parser.longest_visits,
        rules=statuses,
        stages=stages,
        score=lambda state, at: decayed.score(groups, state.groups, low, high, at),
        rules_from={status: tuple(rule for rule in statuses if status in rule.sources) for status in Status},
        ahead=tuple(_ahead(stages, furthest) for furthest in range(-1, len(stages))),
    )


def _ahead(stages: tuple[Stage, ...], furthest: int) -> tuple[tuple[int, Predicate], ...]:
    conditions = [
        (index, stage.enter_when if index > furthest else stage.reenter_when) for index, stage in enumerate(stages)
    ]
    return tuple((index, condition) for index, condition in conditions if condition is not None)


def _groups(source: Mapping[str, Any]) -> tuple[tuple[Group, ...], tuple[PointsRule, ...]]:
    groups: list[Group] = []
    rules: list[PointsRule] = []
    for g, group in enumerate(source.get("groups", [])):
        place = f"engagement.groups[{g}]"
        half_life = duration(group.get("half_life", source.get("half_life", "14d")), f"{place}.half_life")
        if not half_life:
            raise InvalidModel(f"{place}.half_life: expected more than nothing")
        groups.append(Group(str(group.get("name", g)), half_life, *_limit(group, place)))
        for r, rule in enumerate(group.get("rules", [])):
            here = f"{place}.rules[{r}]"
            if not isinstance(rule, dict) or not {"name", "when", "points"} <= set(rule):
                raise InvalidModel(f"{here}: expected name, when and points")
            rules.append(
                PointsRule(
                    index=len(rules),
                    name=str(rule["name"]),
                    group=g,
                    matcher=matcher(rule["when"], f"{here}.when"),
                    points=float(rule["points"]),
                    once=bool(rule.get("once", False)),
                    max_per_day=rule.get("max_per_day"),
                )
            )
    return tuple(groups), tuple(rules)


def _limit(source: Mapping[str, Any], place: str) -> tuple[float, float]:
    limit = source.get("limit", {})
    if not isinstance(limit, dict) or not set(limit) <= {"min", "max"}:
        raise InvalidModel(f"{place}.limit: expected {{min: number, max: number}}")
    return float(limit.get("min", -math.inf)), float(limit.get("max", math.inf))


def _fit_rule(source: Mapping[str, Any], parser: Parser, place: str) -> FitRule:
    when = parser.condition(source["when"], f"{place}.when")
    if not _is_of_traits(when):
        raise InvalidModel(f"{place}.when: fit is who somebody is; expected trait, any, all or not")
    return FitRule(str(source["name"]), compiled(when), float(source["points"]))


def _is_of_traits(condition: Condition) -> bool:
    match condition:
        case AnyOf(parts) | All(parts):
            return all(_is_of_traits(part) for part in parts)
        case Not(part):
            return _is_of_traits(part)
        case _:
            return isinstance(condition, Trait)


def _fit(rules: tuple[FitRule, ...], now: Now, low: float, high: float) -> float:
    points = sum(rule.points for rule in rules if rule.holds(now))
    return decayed.quantise(min(high, max(low, points)))


def _status_rules(source: Mapping[str, Any], parser: Parser) -> tuple[StatusRule, ...]:
    unknown = set(source) - set(_SOURCES)
    if unknown:
        raise InvalidModel(f"statuses: unknown {', '.join(sorted(unknown))}; expected {', '.join(_SOURCES)}")
    return tuple(_status_rule(name, source[name], parser) for name in _SOURCES if name in source)


def _status_rule(name: str, source: Mapping[str, Any], parser: Parser) -> StatusRule:
    place = f"statuses.{name}"
    when = parser.condition(source["when"], f"{place}.when")
    if "unless" in source:
        when = All((when, Not(parser.condition(source["unless"], f"{place}.unless"))))
    sources = set(source["from"]) if "from" in source else _SOURCES[name]
    if not sources <= _SOURCES[name]:
        raise InvalidModel(f"{place}.from: {name} is reached only from {', '.join(sorted(_SOURCES[name]))}")
    return StatusRule(
        name=name if name == "reopened" else f"{name}_rule",
        to=Status.KNOWN if name == "reopened" else Status(name),
        sources=frozenset(Status(one) for one in sources),
        holds=compiled(when),
        cool_down=duration(source["cool_down"], f"{place}.cool_down") if "cool_down" in source else 0,
        timed=tuple(_timed(when, positive=True)),
    )


def _stage(source: Mapping[str, Any], parser: Parser, place: str) -> Stage:
    enter = parser.condition(source.get("enter_when"), f"{place}.enter_when")
    reenter = parser.condition(source["reenter_when"], f"{place}.reenter_when") if "reenter_when" in source else None
    return Stage(
        name=str(source["name"]),
        label=dict(source.get("label", {})),
        enter_when=compiled(enter),
        reenter_when=compiled(reenter) if reenter else None,
        timed=tuple(_timed(enter, positive=True)),
        retimed=tuple(_timed(reenter, positive=True)) if reenter else (),
    )


def _timed(condition: Condition, *, positive: bool) -> list[TimedAtom]:
    match condition:
        case AnyOf(parts) | All(parts):
            return [atom for part in parts for atom in _timed(part, positive=positive)]
        case Not(part):
            return _timed(part, positive=not positive)
        case Engaged() | Inactive():
            return [TimedAtom(condition, positive)] if positive or isinstance(condition, Engaged) else []
        case Did(within=within) | Visits(within=within) if within is not None and not positive:
            return [TimedAtom(condition, rising=False)]
        case _:
            return []


def _by_kind(rows: list[tuple[Matcher, _T]]) -> dict[str, tuple[_T, ...]]:
    found: dict[str, list[_T]] = {}
    for one, value in rows:
        for kind in one.kinds:
            found.setdefault(kind, []).append(value)
    return {kind: tuple(values) for kind, values in found.items()}
