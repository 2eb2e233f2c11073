"""At which whole seconds between touchpoints a rule's truth may change.

The meaning is ``every second``: rules are tried at each whole second. ``next_change`` finds the same instants without
trying each: outside of the instants it names every simplest condition of the model keeps its truth.
"""

from collections.abc import Iterator

from tests.reference.conditions import done, visited
from tests.reference.life import Life, clamped
from tests.reference.message import SECOND
from tests.reference.model import Model, duration, leaves, status_rule


def second_after(instant: int) -> int:
    """The first whole second strictly after an instant."""
    return (instant // SECOND + 1) * SECOND


def second_from(instant: int) -> int:
    """The first whole second at or after an instant."""
    return -(-instant // SECOND) * SECOND


def next_change(life: Life, model: Model, after: int, until: int) -> int | None:
    """The first whole second in ``(after, until]`` at which some condition is no longer what it was at ``after``.

    ``after`` is a whole second. May name an instant at which nothing changes, never misses one.
    """
    timed = [second for second in _timed_changes(life, model, after) if after < second <= until]
    first = min(timed, default=None)
    for threshold in {content["at_least"] for name, content in leaves(model) if name == "engagement"}:
        crossing = next_crossing(life, threshold, after, until if first is None else first)
        if crossing is not None:
            first = crossing
    return first


def _timed_changes(life: Life, model: Model, after: int) -> Iterator[int]:
    for name, content in leaves(model):
        if name == "inactive_for":
            yield second_from(life.messages[-1]["occurred_at"] + duration(content))
        elif name in ("did", "visits") and "within" in content:
            counted = done(content, life, after) if name == "did" else visited(content, life, after)
            yield from (second_after(each + duration(content["within"])) for each in counted)
    cool_down = (status_rule(model, "mql") or {}).get("cool_down")
    if cool_down is not None and life.recycled_at is not None:
        yield second_from(life.recycled_at + duration(cool_down))


def next_crossing(life: Life, threshold: float, after: int, until: int) -> int | None:
    """The first whole second in ``(after, until]`` at which the score is on the other side of the threshold.

    Halves the range until the bounds of the score over a part say that it stays on its side.
    """
    last = until // SECOND * SECOND
    above = life.engagement(after) >= threshold
    if last <= after or _stays(life, threshold, after, last, above=above):
        return None
    if last - after == SECOND:
        return last if (life.engagement(last) >= threshold) != above else None
    middle = (after + last) // 2 // SECOND * SECOND
    found = next_crossing(life, threshold, after, middle)
    return next_crossing(life, threshold, middle, last) if found is None else found


def _stays(life: Life, threshold: float, start: int, end: int, *, above: bool) -> bool:
    """Whether the score surely stays on its side: each group moves in one direction only, so its ends bound it."""
    engagement = life.model.get("engagement", {})
    ends = [
        sorted((life.group_value(group, start), life.group_value(group, end))) for group in engagement.get("groups", [])
    ]
    lowest, highest = (round(clamped(sum(each[side] for each in ends), engagement.get("limit")), 6) for side in (0, 1))
    return lowest >= threshold if above else highest < threshold
