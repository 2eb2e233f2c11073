"""What is known of one lead after some of its touchpoints, each number recomputed from its definition when asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, inf
from typing import Any

from tests.reference.matching import matches, number_of, passes
from tests.reference.message import DAY, Message
from tests.reference.model import ENDS, Model, duration

VIEWS = ("page_viewed", "screen_viewed")


@dataclass(frozen=True)
class Point:
    """Points that one rule gave for one touchpoint."""

    at: int
    points: float
    rule: str
    touchpoint: str


@dataclass(frozen=True)
class Move:
    """A status or stage entered."""

    axis: str
    to: str
    at: int
    cycle: int
    cause: str
    rule: str
    origin: str | None = None
    implied: bool = False


@dataclass
class Life:
    """One lead at one place of its history."""

    model: Model
    messages: list[Message] = field(default_factory=list)
    memory: list[Message] = field(default_factory=list)
    points: dict[str, list[Point]] = field(default_factory=dict)
    visits: list[int] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)
    opportunities: set[str] = field(default_factory=set)
    subscriptions: set[str] = field(default_factory=set)
    status: str = "anonymous"
    cycle: int = 1
    recycled_at: int | None = None
    stage: str | None = None
    furthest: int = -1
    stages_entered: set[str] = field(default_factory=set)
    moves: list[Move] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether a cycle is open."""
        return self.status not in ENDS

    @property
    def orders(self) -> int:
        """Orders of the whole life."""
        return sum(message["kind"] == "order_completed" for message in self.messages)

    def count(self, message: Message) -> None:
        """Take one more touchpoint into what is known; nothing moves yet."""
        self.messages.append(message)
        self.memory.append(message)
        self._count_visit(message)
        self._count_points(message)
        for name, value in message.get("traits", {}).items():
            self.traits.pop(name, None)
            if value is not None:
                self.traits[name] = value
        match message["kind"]:
            case "opportunity_opened":
                self.opportunities.add(opportunity_of(message))
            case "opportunity_won" | "opportunity_lost":
                self.opportunities.discard(opportunity_of(message))
            case "subscription_started":
                self.subscriptions.add(subscription_of(message))
            case "subscription_cancelled":
                self.subscriptions.discard(subscription_of(message))

    def _count_visit(self, message: Message) -> None:
        views = [each["occurred_at"] for each in self.messages if each["kind"] in VIEWS]
        if message["kind"] not in VIEWS:
            return
        if len(views) == 1 or views[-1] - views[-2] > duration(self.model["visit_gap"]):
            self.visits.append(message["occurred_at"])

    def _count_points(self, message: Message) -> None:
        for group in self.model.get("engagement", {}).get("groups", []):
            given = self.points.setdefault(group["name"], [])
            for rule in group["rules"]:
                if matches(rule["when"], message) and _has_room(rule, given, message):
                    given.append(Point(message["occurred_at"], rule["points"], rule["name"], message["id"]))

    def group_value(self, group: Mapping[str, Any], at: int) -> float:
        """The decayed sum of a group's points at an instant, within the group's limit."""
        half_life = duration(group["half_life"])
        points = self.points.get(group["name"], [])
        return clamped(fsum(each.points * 2.0 ** ((each.at - at) / half_life) for each in points), group.get("limit"))

    def engagement(self, at: int) -> float:
        """The score at an instant, as thresholds meet it."""
        engagement = self.model.get("engagement", {})
        values = [self.group_value(group, at) for group in engagement.get("groups", [])]
        return round(clamped(fsum(values), engagement.get("limit")), 6)

    def fit(self) -> float:
        """The score of the present traits."""
        fit = self.model.get("fit", {})
        given = [rule["points"] for rule in fit.get("rules", []) if has_trait(self.traits, rule["when"]["trait"])]
        return round(clamped(fsum(given), fit.get("limit")), 6)


def clamped(value: float, limit: Mapping[str, float] | None) -> float:
    """Within ``{min, max}``, where given."""
    limit = limit or {}
    return float(min(max(value, limit.get("min", -inf)), limit.get("max", inf)))


def has_trait(traits: Mapping[str, Any], trait: Mapping[str, Any]) -> bool:
    """``trait: {name: N, TEST}``; an unknown trait is false."""
    test = {name: content for name, content in trait.items() if name != "name"}
    return trait["name"] in traits and passes(traits[trait["name"]], test)


def _has_room(rule: Mapping[str, Any], given: list[Point], message: Message) -> bool:
    same_rule = [point for point in given if point.rule == rule["name"]]
    today = [point for point in same_rule if point.at // DAY == message["occurred_at"] // DAY]
    if rule.get("once") and same_rule:
        return False
    return "max_per_day" not in rule or len(today) < rule["max_per_day"]


def opportunity_of(message: Message) -> str:
    """Which opportunity a touchpoint is about."""
    external = [key for key in message["keys"] if key.startswith("2")]
    return _named(message, "opportunity_id") or min(external, key=str.encode, default="-")


def subscription_of(message: Message) -> str:
    """Which subscription a touchpoint is about."""
    return _named(message, "subscription_id") or "-"


def _named(message: Message, name: str) -> str:
    """A property that is a name: text, or a whole number; else empty."""
    value = message.get("properties", {}).get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def is_paid(message: Message) -> bool:
    """Whether a started subscription costs money."""
    amount = number_of(message.get("value", {}).get("amount"))
    return (amount is not None and amount > 0) or message.get("properties", {}).get("paid") is True
