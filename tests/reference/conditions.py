"""Does a condition of the model hold for a lead at an instant."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.reference.life import Life, has_trait, name_of
from tests.reference.model import duration


def holds(condition: Mapping[str, Any], life: Life, at: int) -> bool:
    """A condition is a mapping with exactly one entry."""
    ((name, content),) = condition.items()
    match name:
        case "any":
            return any(holds(part, life, at) for part in content)
        case "all":
            return all(holds(part, life, at) for part in content)
        case "not":
            return not holds(content, life, at)
    return leaf_holds(name, content, life, at)


def leaf_holds(name: str, content: Any, life: Life, at: int) -> bool:
    """One of the simplest conditions."""
    tests: dict[str, Callable[[], bool]] = {
        "did": lambda: len(done(content, life, at)) >= content.get("times", 1),
        "touched": lambda: any(each["id"] in life.counted for each in life.memory) is content,
        "status": lambda: life.status in content,
        "engagement": lambda: bool(life.engagement(at) >= content["at_least"]),
        "fit": lambda: bool(life.fit() >= content["at_least"]),
        "trait": lambda: has_trait(life.scored_traits, content),
        "visits": lambda: len(visited(content, life, at)) >= content["at_least"],
        "orders": lambda: bool(life.orders >= content["at_least"]),
        "cooled": lambda: life.recycled_at is not None and at - life.recycled_at >= duration(content),
        "inactive_for": lambda: bool(at - life.messages[-1]["occurred_at"] >= duration(content)),
    }
    return tests[name]()


def done(did: Mapping[str, Any], life: Life, at: int) -> list[int]:
    """The instants of the matching touchpoints in the cycle's memory that still count."""
    return recent(life.done.get(name_of(did), []), did, at)


def visited(visits: Mapping[str, Any], life: Life, at: int) -> list[int]:
    """The starts of the visits that still count."""
    return recent(life.visits, visits, at)


def recent(instants: list[int], content: Mapping[str, Any], at: int) -> list[int]:
    """Those not older than ``within``; all, when it is not given."""
    if "within" not in content:
        return instants
    return [each for each in instants if at - each <= duration(content["within"])]
