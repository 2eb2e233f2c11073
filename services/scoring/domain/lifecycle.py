"""Moves of status and stage: the one table of core 4, tried after every touchpoint and at every implied instant."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from services.scoring.domain.condition import Now
from services.scoring.domain.model import Model, StatusRule, TimedAtom
from services.scoring.domain.state import Cycle, Entry, State
from services.scoring.domain.touchpoint import Touchpoint, properties
from shared.clock import SECOND
from shared.identity_key import rank
from shared.vocabulary import CYCLE_ENDS, KEY_RANKS, MAIN_PATH, KeyType, Status

_ENDS: Final = frozenset(CYCLE_ENDS)
_ORDER: Final = {status: place for place, status in enumerate(MAIN_PATH)}
_BUYABLE: Final = frozenset(Status) - {Status.DISQUALIFIED, Status.CUSTOMER}
_OPENABLE: Final = frozenset({Status.KNOWN, Status.MQL, Status.SAL, Status.SALES_QUALIFIED, Status.RECYCLED})


_MOVING_KINDS: Final = frozenset(
    {
        "opportunity_opened",
        "opportunity_won",
        "opportunity_lost",
        "order_completed",
        "subscription_started",
        "subscription_cancelled",
    }
)
"""The business' own records: they move a lead whatever the person allows to be made of what they do."""


class Decided(NamedTuple):
    """A move that may be made now: where to, by which rule."""

    to: Status
    rule: str


def move(model: Model, state: State, now: Now, touchpoint: Touchpoint | None) -> None:
    """Make all moves that hold at this instant: statuses until none applies, then stages. Changes the working state."""
    cause = touchpoint.id if touchpoint is not None else None
    if not state.status:
        _begin(model, state, now.instant, Status.ANONYMOUS)
        _enter(state, "status", Status.ANONYMOUS, now.instant, "first_touch", cause)
    made: set[str] = set()
    while (decided := _decide(model, state, now, touchpoint, made)) is not None:
        made.add(decided.rule)
        _apply(model, state, decided, now.instant, cause)
    if state.is_open and (not state.is_withdrawn or (touchpoint is not None and touchpoint.kind in _MOVING_KINDS)):
        _enter_stages(model, state, now, cause)


def pending(model: Model, state: State) -> Iterator[TimedAtom | int]:
    """What time alone may change: timed parts of the rules that could still move the lead, and ends of cool-downs.

    Nothing, while consent is withdrawn.
    """
    if state.is_withdrawn:
        return
    for rule in model.rules_from[state.status]:
        yield from rule.timed
        if (over := _cooled(rule, state)) is not None:
            yield over
    if state.is_open:
        for index, stage in enumerate(model.stages):
            if index > state.furthest:
                yield from stage.timed
            elif index != state.stage:
                yield from stage.retimed


def carry_stages(model: Model, state: State) -> None:
    """Find among this model's stages those the present cycle has entered, by name. Changes the working state."""
    places = {stage.name: index for index, stage in enumerate(model.stages)}
    entries = state.cycle.entries if state.cycle is not None else ()
    entered = [places[entry.to] for entry in entries if entry.axis == "stage" and entry.to in places]
    state.stage = entered[-1] if entered and state.is_open else -1
    state.furthest = max(entered, default=-1)


def _cooled(rule: StatusRule, state: State) -> int | None:
    """The whole second at which a rule's cool-down is over, when the lead is in one."""
    if rule.cool_down and state.status == Status.RECYCLED and state.status_at + rule.cool_down > state.clock:
        return -(-(state.status_at + rule.cool_down) // SECOND) * SECOND
    return None


def _decide(model: Model, state: State, now: Now, touchpoint: Touchpoint | None, made: set[str]) -> Decided | None:
    status = state.status
    if touchpoint is not None and (status == Status.ANONYMOUS or touchpoint.kind in _MOVING_KINDS):
        for one in _by_touchpoint(state, status, touchpoint):
            if one.rule not in made:
                return one
    for rule in model.rules_from[status] if not state.is_withdrawn else ():
        if rule.name not in made and _is_cool(rule, state, now) and rule.holds(now):
            return Decided(rule.to, rule.name)
    return None


def _is_cool(rule: StatusRule, state: State, now: Now) -> bool:
    return not (rule.cool_down and state.status == Status.RECYCLED) or now.instant - state.status_at >= rule.cool_down


def _by_touchpoint(state: State, status: str, touchpoint: Touchpoint) -> Iterator[Decided]:
    """The built-in moves: known by a key, then what the touchpoint's kind says."""
    if status == Status.ANONYMOUS and rank(touchpoint.strand) > KEY_RANKS[KeyType.ANONYMOUS_ID]:
        yield Decided(Status.KNOWN, "identified")
    match touchpoint.kind:
        case "opportunity_opened" if status in _OPENABLE:
            yield Decided(Status.OPPORTUNITY, "opportunity_opened")
        case "opportunity_won" | "order_completed" if status in _BUYABLE:
            yield Decided(Status.CUSTOMER, touchpoint.kind)
        case "subscription_started" if status in _BUYABLE and _is_paid(touchpoint):
            yield Decided(Status.CUSTOMER, "subscription_started")
        case "opportunity_lost" if status == Status.OPPORTUNITY and not state.opportunities:
            yield Decided(Status.LOST, "opportunity_lost")
        case "subscription_cancelled" if status == Status.CUSTOMER and not state.subscriptions:
            yield Decided(Status.CHURNED, "subscription_cancelled")
        case _:
            pass


def _is_paid(touchpoint: Touchpoint) -> bool:
    if touchpoint.value is not None:
        try:
            if float(touchpoint.value.amount) > 0:
                return True
        except ValueError:
            pass
    return properties(touchpoint).get("paid") is True


def _apply(model: Model, state: State, decided: Decided, at: int, cause: str | None) -> None:
    if decided.to in _ENDS:
        _end(state, decided, at, cause)
        return
    skipped_from = _ORDER[Status(state.status)] + 1 if state.is_open else _ORDER[Status.KNOWN]
    if not state.is_open:
        _begin(model, state, at, decided.to)
    for status in MAIN_PATH[skipped_from : _ORDER[decided.to]]:
        _enter(state, "status", status, at, decided.rule, cause, implied=True)
    _enter(state, "status", decided.to, at, decided.rule, cause)


def _begin(model: Model, state: State, at: int, to: Status) -> None:
    """A new cycle; the one before is kept for publishing. Its dimensions are those of its first touchpoint."""
    number = 1
    if state.cycle is not None:
        number = state.cycle.number + 1
        state.closed.append(state.cycle)
    touch = state.memory_touch or state.last
    assert touch is not None, f"a cycle begins with {to} at {at} but the lead has no touchpoint"  # noqa: S101
    state.cycle = Cycle(number, touch, model.version)
    state.stage, state.furthest = -1, -1


def _end(state: State, decided: Decided, at: int, cause: str | None) -> None:
    """Ends the cycle, or, from lost to recycled, says so after its end. The memory begins anew."""
    _enter(state, "status", decided.to, at, decided.rule, cause)
    cycle = state.cycle
    assert cycle is not None, "a cycle ends that never began"  # noqa: S101
    if cycle.exit is None:
        state.cycle = msgspec.structs.replace(cycle, exit=decided.to.value, exited_at=at)
    state.stage = -1
    state.remembered, state.memory_touch, state.done = 0, None, {}
    for tally in state.ahead:
        tally.done = {}


def _enter(
    state: State,
    axis: str,
    to: str,
    at: int,
    rule: str,
    cause: str | None,
    *,
    implied: bool = False,
    origin: str | None = None,
) -> None:
    cycle = state.cycle
    assert cycle is not None, "an entry without a cycle"  # noqa: S101
    if axis == "status":
        origin = state.status or None
        state.status, state.status_at = str(to), at
    entry = Entry(axis, str(to), at, rule, cause, origin, implied)
    state.cycle = cycle.entered(entry)


def _enter_stages(model: Model, state: State, now: Now, cause: str | None) -> None:
    """In the model's order; a lower stage, or one left behind, only where its ``reenter_when`` holds."""
    for index, condition in model.ahead[state.furthest + 1]:
        if index == state.stage or not condition(now):
            continue
        origin = model.stages[state.stage].name if state.stage >= 0 else None
        _enter(state, "stage", model.stages[index].name, now.instant, "enter_when", cause, origin=origin)
        state.stage, state.furthest = index, max(state.furthest, index)
