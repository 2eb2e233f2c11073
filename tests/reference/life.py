"""What is known of one lead after some of its touchpoints, each number recomputed from its definition when asked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, inf
from typing import Any

from tests.reference.consent import Consent
from tests.reference.matching import matches, number_of, passes
from tests.reference.message import DAY, Message, is_lead_s
from tests.reference.model import ENDS, Model, all_leaves, duration

MOST_TRAITS = 500
MOST_OPEN = 200
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
    done: dict[str, list[int]] = field(default_factory=dict)
    points: dict[str, list[Point]] = field(default_factory=dict)
    given: Counter[tuple[str, str, int | None]] = field(default_factory=Counter)
    viewed_at: int | None = None
    visits: list[int] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)
    scored_traits: dict[str, Any] = field(default_factory=dict)
    consent: Consent = field(default_factory=Consent)
    counted: set[str] = field(default_factory=set)
    orders: int = 0
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

    def count(self, message: Message) -> None:
        """Take one more touchpoint into what is known; nothing moves yet."""
        self.messages.append(message)
        self.memory.append(message)
        self.consent.hear(message)
        if is_lead_s(message) and not self.consent.is_withdrawn:
            self.counted.add(message["id"])
            self._count_by_rules(message)
        for name, value in message.get("traits", {}).items():
            self.traits.pop(name, None)
            if value is not None and len(self.traits) < MOST_TRAITS:
                self.traits[name] = value
        if not self.consent.is_withdrawn:
            self.scored_traits = dict(self.traits)
        match message["kind"]:
            case "order_completed":
                self.orders += 1
            case "opportunity_opened":
                _add(self.opportunities, opportunity_of(message))
            case "opportunity_won" | "opportunity_lost":
                self.opportunities.discard(opportunity_of(message))
            case "subscription_started":
                _add(self.subscriptions, subscription_of(message))
            case "subscription_cancelled":
                self.subscriptions.discard(subscription_of(message))

    def forget(self) -> None:
        """A cycle ended: its memory is over."""
        self.memory, self.done = [], {}

    def _count_by_rules(self, message: Message) -> None:
        """What a bot did, or the workspace itself, or somebody without consent, is not counted by any rule."""
        for did in asked_of_memory(self.model):
            if matches(did, message):
                self.done.setdefault(name_of(did), []).append(message["occurred_at"])
        self._count_visit(message)
        self._count_points(message)

    def _count_visit(self, message: Message) -> None:
        if message["kind"] not in VIEWS:
            return
        at = message["occurred_at"]
        if self.viewed_at is None or at - self.viewed_at > duration(self.model["visit_gap"]):
            self.visits.append(at)
        self.viewed_at = at

    def _count_points(self, message: Message) -> None:
        day = message["occurred_at"] // DAY
        for group in self.model.get("engagement", {}).get("groups", []):
            for rule in group["rules"]:
                ever, today = (group["name"], rule["name"], None), (group["name"], rule["name"], day)
                has_room = not (rule.get("once") and self.given[ever]) and (
                    "max_per_day" not in rule or self.given[today] < rule["max_per_day"]
                )
                if matches(rule["when"], message) and has_room:
                    self.given.update([ever, today])
                    point = Point(message["occurred_at"], rule["points"], rule["name"], message["id"])
                    self.points.setdefault(group["name"], []).append(point)

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
        """The score of the traits, as they were last told with consent."""
        fit = self.model.get("fit", {})
        given = [
            rule["points"] for rule in fit.get("rules", []) if has_trait(self.scored_traits, rule["when"]["trait"])
        ]
        return round(clamped(fsum(given), fit.get("limit")), 6)


def name_of(did: Mapping[str, Any]) -> str:
    """What a question to the memory is about, whatever it counts of it."""
    return repr((did["kind"], did.get("where")))


def asked_of_memory(model: Model) -> list[Mapping[str, Any]]:
    """All the questions that conditions of the model ask of a cycle's memory, each once."""
    every = {name_of(content): content for name, content, _ in all_leaves(model) if name == "did"}
    return list(every.values())


def clamped(value: float, limit: Mapping[str, float] | None) -> float:
    """Within ``{min, max}``, where given."""
    limit = limit or {}
    return float(min(max(value, limit.get("min", -inf)), limit.get("max", inf)))


def _add(names: set[str], name: str) -> None:
    """Names that are new to a lead which holds the most there may be are left out."""
    if len(names) < MOST_OPEN:
        names.add(name)


def has_trait(traits: Mapping[str, Any], trait: Mapping[str, Any]) -> bool:
    """``trait: {name: N, TEST}``; an unknown trait is false."""
    test = {name: content for name, content in trait.items() if name != "name"}
    return trait["name"] in traits and passes(traits[trait["name"]], test)


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
