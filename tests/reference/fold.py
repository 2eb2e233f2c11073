"""A lead from its touchpoints, the versions of the model and an instant (core 3 and 4)."""

from collections.abc import Iterable

from tests.reference.instants import next_instant
from tests.reference.life import Life
from tests.reference.lifecycle import begin, settle
from tests.reference.message import Message, distinct, order
from tests.reference.timeline import Models, in_force, newest, next_version, under


def fold(messages: Iterable[Message], models: Models, at: int, *, every_second: bool = False) -> Life:
    """The lead of these touchpoints (all of them, later ones too), timers applied up to ``at``.

    ``every_second`` asks each whole second whether it is an implied instant, which is the definition; otherwise only
    seconds at which a condition changes are asked, which gives the same and ends in this life.
    """
    life = Life(newest(models))
    for message in sorted(distinct(messages), key=order):
        if not life.messages:
            life = Life(in_force(models, message["occurred_at"]))
        else:
            life = _pass_time(life, models, message["occurred_at"], every_second=every_second)
        life.count(message)
        if len(life.messages) == 1:
            begin(life, life.model, message)
        settle(life, life.model, message["occurred_at"], message)
    return _pass_time(life, models, at, every_second=every_second) if life.messages else life


def _pass_time(life: Life, models: Models, until: int, *, every_second: bool) -> Life:
    """Apply the implied instants after the last touchpoint, up to and including ``until``.

    Where a new version comes into force, its rules are tried, and those of the older one are not.
    """
    clock = life.messages[-1]["occurred_at"]
    while True:
        change = next_version(models, clock)
        last = until if change is None or change > until else change - 1
        instant = next_instant(life, life.model, clock, last, every_second=every_second)
        if instant is None and last == until:
            return life
        if instant is None:
            assert change is not None
            instant, life = change, under(life, in_force(models, change))
        settle(life, life.model, instant, None)
        clock = instant
