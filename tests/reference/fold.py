"""A lead from its touchpoints, the model and an instant (core 3 and 4)."""

from collections.abc import Iterable

from tests.reference.instants import next_instant
from tests.reference.life import Life
from tests.reference.lifecycle import begin, settle
from tests.reference.message import Message, distinct, order
from tests.reference.model import Model


def fold(messages: Iterable[Message], model: Model, at: int, *, every_second: bool = False) -> Life:
    """The lead of these touchpoints (all of them, later ones too), timers applied up to ``at``.

    ``every_second`` asks each whole second whether it is an implied instant, which is the definition; otherwise only
    seconds at which a condition changes are asked, which gives the same and ends in this life.
    """
    life = Life(model)
    for message in sorted(distinct(messages), key=order):
        if life.messages:
            _pass_time(life, model, message["occurred_at"], every_second=every_second)
        life.count(message)
        if len(life.messages) == 1:
            begin(life, model, message)
        settle(life, model, message["occurred_at"], message)
    if life.messages:
        _pass_time(life, model, at, every_second=every_second)
    return life


def _pass_time(life: Life, model: Model, until: int, *, every_second: bool) -> None:
    """Apply the implied instants after the last touchpoint, up to and including ``until``."""
    clock = life.messages[-1]["occurred_at"]
    while (instant := next_instant(life, model, clock, until, every_second=every_second)) is not None:
        settle(life, model, instant, None)
        clock = instant
