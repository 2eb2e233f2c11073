"""The implied instants: whole seconds at which time alone may move a lead.

The definition is ``is_due``, asked of each whole second. ``next_change`` only names the seconds worth asking: between
two of them no simplest condition of the model changes its truth.
"""

from collections.abc import Iterator
from typing import Any

from tests.reference.conditions import done, leaf_holds, visited
from tests.reference.life import Life, clamped
from tests.reference.lifecycle import possible_moves, stage_condition
from tests.reference.message import SECOND
from tests.reference.model import Model, duration, leaves


def next_instant(life: Life, model: Model, clock: int, until: int, *, every_second: bool) -> int | None:
    """The first implied instant in ``(clock, until]``; ``clock`` is where rules were last tried."""
    waited = [each for each in waited_for(life, model) if _heeds_time(each[0], each[1])]
    second: int | None = second_after(clock)
    while second is not None and second <= until:
        if is_due(life, waited, clock, second):
            return second
        second = second + SECOND if every_second else next_change(life, waited, second, until)
    return None


def waited_for(life: Life, model: Model) -> Iterator[tuple[str, Any, bool]]:
    """The simplest conditions that rules which may move the lead now wait for, and the truth that would help them."""
    for _, condition in possible_moves(life, model):
        yield from leaves(condition)
    if life.is_open and not life.consent.is_withdrawn:
        for place, stage in enumerate(model.get("stages", [])):
            entry = stage_condition(life, stage, place)
            if entry is not None:
                yield from leaves(entry)


def _heeds_time(name: str, content: Any) -> bool:
    """Whether time alone can change this condition."""
    return name in ("engagement", "inactive_for", "cooled") or (name in ("did", "visits") and "within" in content)


def is_due(life: Life, waited: list[tuple[str, Any, bool]], clock: int, second: int) -> bool:
    """Whether one of these has the wanted truth at a second and had not the second before (or when last tried)."""
    before = max(clock, second - SECOND)
    return any(
        leaf_holds(name, content, life, second) is wanted and leaf_holds(name, content, life, before) is not wanted
        for name, content, wanted in waited
    )


def second_after(instant: int) -> int:
    """The first whole second strictly after an instant."""
    return (instant // SECOND + 1) * SECOND


def second_from(instant: int) -> int:
    """The first whole second at or after an instant."""
    return -(-instant // SECOND) * SECOND


def next_change(life: Life, waited: list[tuple[str, Any, bool]], after: int, until: int) -> int | None:
    """The first whole second in ``(after, until]`` at which some condition is no longer what it was at ``after``.

    ``after`` is a whole second. May name a second at which nothing changes, never misses one.
    """
    timed = [second for second in _timed_changes(life, waited, after) if after < second <= until]
    first = min(timed, default=None)
    for threshold in {content["at_least"] for name, content, _ in waited if name == "engagement"}:
        crossing = next_crossing(life, threshold, after, until if first is None else first)
        if crossing is not None:
            first = crossing
    return first


def _timed_changes(life: Life, waited: list[tuple[str, Any, bool]], after: int) -> Iterator[int]:
    for name, content, _ in waited:
        if name == "inactive_for":
            yield second_from(life.messages[-1]["occurred_at"] + duration(content))
        elif name == "cooled" and life.recycled_at is not None:
            yield second_from(life.recycled_at + duration(content))
        elif name in ("did", "visits") and "within" in content:
            counted = done(content, life, after) if name == "did" else visited(content, life, after)
            yield from (second_after(each + duration(content["within"])) for each in counted)


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
