"""The fold: touchpoints of one lead in order, and the instants that time alone implies, to the lead's state (core 3).

``fold`` and ``advance`` are pure: they copy the state they are given. The order of what one touchpoint does is that of
``docs/models.md``.
"""

from collections.abc import Sequence

from services.scoring.domain import engagement, lifecycle
from services.scoring.domain.condition import Did, Engaged, Inactive, Now, Visits
from services.scoring.domain.consent import heard, is_withdrawn
from services.scoring.domain.model import Model, TimedAtom
from services.scoring.domain.state import State, Tally, copied, initial, touch_of
from services.scoring.domain.timeline import Timeline
from services.scoring.domain.touchpoint import Touchpoint, properties
from shared.clock import DAY, SECOND

_MAX_TRAITS = 500
_MAX_OPEN = 200
"""A lead holds so many traits, open opportunities and subscriptions; its state is written with each batch, and must not
grow for as long as somebody sends new names.
"""

_PAGES = frozenset({"page_viewed", "screen_viewed"})
_DEALS = frozenset(
    {"opportunity_opened", "opportunity_won", "opportunity_lost", "subscription_started", "subscription_cancelled"}
)


def engagement_at(model: Model, state: State, at: int) -> float:
    """The engagement that is shown and compared at an instant not before the last touchpoint."""
    return model.score(state, at)


def now_of(model: Model, state: State, instant: int) -> Now:
    """The state at an instant, as the model's conditions ask about it."""
    return Now(state, instant, model.score)


def fold(timeline: Timeline, state: State, touchpoints: Sequence[Touchpoint]) -> State:
    """The state after these touchpoints, which are in order and all after the state's place (``appendable``).

    The state has to know all versions of the timeline (``State.newest``), or have no touchpoint yet.
    """
    state = copied(state)
    fold_into(timeline, state, touchpoints)
    return state


def fold_into(timeline: Timeline, state: State, touchpoints: Sequence[Touchpoint]) -> None:
    """The same, changing the state itself: for a caller who has just made it and shares it with nobody."""
    if not touchpoints:
        return
    if not state.count:
        _begin(timeline, state, touchpoints[0].occurred_at)
    model = timeline.models[state.model_version]
    before: Touchpoint | None = None
    for touchpoint in touchpoints:
        at = touchpoint.occurred_at
        if state.due is not None and state.due <= at:
            state.last = touch_of(before) if before is not None else state.last
            model = _advance(timeline, state, at)
        _count(timeline, model, state, touchpoint)
        lifecycle.move(model, state, Now(state, at, model.score), touchpoint)
        state.due = _next_instant(timeline, model, state)
        before = touchpoint
    state.last = touch_of(before) if before is not None else state.last


def advance(timeline: Timeline, state: State, until: int) -> State:
    """The state after all implied instants up to and including ``until``."""
    state = copied(state)
    _advance(timeline, state, until)
    return state


def begun(timeline: Timeline, at: int) -> State:
    """A lead right before its first touchpoint, which comes at this instant."""
    state = initial()
    _begin(timeline, state, at)
    return state


def _begin(timeline: Timeline, state: State, at: int) -> None:
    """Under the version in force at the first touchpoint; those after it count from the start."""
    model, since = timeline.versions[-1]
    if since > at:
        model = timeline.at(at).model
        state.ahead = [
            Tally(one.model.version, [(0, 0.0)] * len(one.model.groups)) for one in timeline.after(model.version)
        ]
    state.model_version = model.version
    state.groups, state.fit = [(0, 0.0)] * len(model.groups), model.fit_of_nobody


def _advance(timeline: Timeline, state: State, until: int) -> Model:
    """Apply implied instants; returns the version that is in force then."""
    model = timeline.models[state.model_version]
    while state.due is not None and state.due <= until:
        state.clock = state.due
        if state.ahead and timeline.sinces[state.ahead[0].version] == state.clock:
            model = timeline.models[state.ahead[0].version]
            _come_into_force(model, state)
        lifecycle.move(model, state, now_of(model, state, state.clock), None)
        state.due = _next_instant(timeline, model, state)
    return model


def _come_into_force(model: Model, state: State) -> None:
    """The next version goes on with its own counts from where the lead stands, in the stages that it knows by name."""
    tally, *state.ahead = state.ahead
    state.model_version = tally.version
    state.groups, state.once, state.per_day, state.done = tally.groups, tally.once, tally.per_day, tally.done
    state.visit_count, state.visit_starts = tally.visit_count, tally.visit_starts
    state.fit = model.fit(now_of(model, state, state.clock))
    lifecycle.carry_stages(model, state)


def _next_instant(timeline: Timeline, model: Model, state: State) -> int | None:
    found: int | None = None
    is_held_down = any(value < 0 for _, value in state.groups)
    for atom in lifecycle.pending(model, state):
        if isinstance(atom, int):
            at: int | None = atom
        elif atom.rising and not is_held_down and isinstance(atom.condition, Engaged):
            continue  # what only decays from above never rises
        else:
            at = _next_flip(model, state, atom)
        if at is not None and (found is None or at < found):
            found = at
    if state.ahead:
        since = timeline.sinces[state.ahead[0].version]
        found = since if found is None or since < found else found
    return found


def _next_flip(model: Model, state: State, atom: TimedAtom) -> int | None:
    """When an atom's truth next changes in the direction that can make its rule true."""
    match atom.condition:
        case Inactive(duration):
            at = _whole(state.at + duration)
            return at if at > state.clock else None
        case Engaged(at_least):
            pairs = state.groups
            return engagement.next_flip(
                model.groups, pairs, model.low, model.high, at_least, state.clock, rising=atom.rising
            )
        case Did(index, times, within):
            instants = state.done.get(index, ())
            return _expiry(instants[-times] if len(instants) >= times else None, within, state.clock)
        case Visits(at_least, within):
            starts = state.visit_starts
            return _expiry(starts[-at_least] if len(starts) >= at_least else None, within, state.clock)


def _expiry(instant: int | None, within: int | None, clock: int) -> int | None:
    """The first whole second at which an instant lies more than ``within`` back, if that is still to come."""
    if instant is None or within is None or instant + within < clock:
        return None
    return (instant + within) // SECOND * SECOND + SECOND


def _whole(instant: int) -> int:
    return -(-instant // SECOND) * SECOND


def _count(timeline: Timeline, model: Model, state: State, touchpoint: Touchpoint) -> None:
    """Everything a touchpoint adds before any move is tried."""
    at = touchpoint.occurred_at
    state.at, state.id, state.clock = at, touchpoint.id, at
    state.count += 1
    if state.memory_touch is None:
        state.memory_touch = touch_of(touchpoint)
        state.first = state.first or state.memory_touch
    if touchpoint.kind == "order_completed":
        state.orders += 1
    if touchpoint.kind in _DEALS:
        _open(state, touchpoint)
    if touchpoint.consent:
        _hear(model, state, touchpoint)
    if not touchpoint.marks and not state.is_withdrawn:
        state.remembered += 1
        _tally(model, state, state.page_at, touchpoint)
        for tally in state.ahead:
            _tally(timeline.models[tally.version], tally, state.page_at, touchpoint)
        if touchpoint.kind in _PAGES:
            state.page_at = at
    if touchpoint.traits:
        _write_traits(model, state, touchpoint)


def _hear(model: Model, state: State, touchpoint: Touchpoint) -> None:
    """What a person says of consent holds from the touchpoint itself on. Traits that were not to be scored now are."""
    held = heard(state.consent, touchpoint)
    if held is state.consent:
        return
    state.consent = held
    state.is_withdrawn = is_withdrawn(state.consent)
    if state.told is not None and not state.is_withdrawn:
        state.traits, state.told = state.told, None
        state.fit = model.fit(now_of(model, state, touchpoint.occurred_at))


def _tally(model: Model, tally: State | Tally, page_at: int | None, touchpoint: Touchpoint) -> None:
    """What a version's own rules count of a touchpoint. ``page_at`` is when a page was viewed before."""
    at = touchpoint.occurred_at
    if touchpoint.kind in _PAGES and (page_at is None or at - page_at > model.visit_gap):
        tally.visit_count += 1
        if model.visits_kept:
            tally.visit_starts = [*tally.visit_starts, at][-model.visits_kept :]
    for rule in model.points_by_kind.get(touchpoint.kind, ()):
        if rule.matcher.matches(touchpoint) and _allowed(
            tally, rule.index, at, once=rule.once, per_day=rule.max_per_day
        ):
            half_life = model.groups[rule.group].half_life
            tally.groups[rule.group] = engagement.added(tally.groups[rule.group], at, rule.points, half_life)
    for did, matcher in model.dids_by_kind.get(touchpoint.kind, ()):
        if matcher.matches(touchpoint):
            tally.done[did.index] = [*tally.done.get(did.index, ()), at][-did.times :]


def _allowed(state: State | Tally, rule: int, at: int, *, once: bool, per_day: int | None) -> bool:
    """Whether a rule still gives points, and the note that it did. Input is in order, so the earliest matches win."""
    if once:
        if rule in state.once:
            return False
        state.once.append(rule)
    if per_day is not None:
        day, given = state.per_day.get(rule, (-1, 0))
        given = given if day == at // DAY else 0
        if given >= per_day:
            return False
        state.per_day[rule] = (at // DAY, given + 1)
    return True


def _write_traits(model: Model, state: State, touchpoint: Touchpoint) -> None:
    traits = state.traits
    if state.is_withdrawn:
        traits = state.told = dict(state.known_traits)
    for name, value in touchpoint.traits.items():
        if value is None:
            traits.pop(name, None)
        elif name in traits or len(traits) < _MAX_TRAITS:
            traits[name] = value
    if not state.is_withdrawn:
        state.fit = model.fit(now_of(model, state, touchpoint.occurred_at))


def _open(state: State, touchpoint: Touchpoint) -> None:
    """Open opportunities and active subscriptions, by their id where there is one."""
    match touchpoint.kind:
        case "opportunity_opened":
            state.opportunities = _with(state.opportunities, _deal(touchpoint))
        case "opportunity_won" | "opportunity_lost":
            state.opportunities = [one for one in state.opportunities if one != _deal(touchpoint)]
        case "subscription_started":
            state.subscriptions = _with(state.subscriptions, _named(touchpoint, "subscription_id") or "-")
        case "subscription_cancelled":
            name = _named(touchpoint, "subscription_id") or "-"
            state.subscriptions = [one for one in state.subscriptions if one != name]


def _with(names: list[str], name: str) -> list[str]:
    return names if name in names or len(names) >= _MAX_OPEN else [*names, name]


def _deal(touchpoint: Touchpoint) -> str:
    external = next((key for key in touchpoint.keys if key.startswith("2external.")), None)
    return _named(touchpoint, "opportunity_id") or external or "-"


def _named(touchpoint: Touchpoint, name: str) -> str | None:
    value = properties(touchpoint).get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
