"""A lead folded by the product's pure functions and by the reference: the same for every random life and model."""

from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain import fold as product_fold
from services.scoring.domain.model import parse
from services.scoring.domain.state import State, decode, encode, initial
from services.scoring.domain.timeline import alone
from tests.property import product
from tests.property.profiles import TIMES, examples
from tests.reference.answers import Lead
from tests.reference.fold import fold
from tests.reference.histories import HALF_DAYS, SECONDS, Scale, Step, life_of_one, message, user
from tests.reference.message import Message, order
from tests.reference.model import Model, load
from tests.reference.models import MODELS

LONG = min(10_000 * TIMES, 100_000)
B2B = load(Path(__file__).parents[2] / "services" / "scoring" / "templates" / "b2b.yaml")


def agree(messages: list[Message], model: Model, state: State, scale: Scale) -> None:
    """The state tells what the reference tells of the same touchpoints."""
    lead = Lead("", "", fold(messages, model, scale.end))
    summary, wanted = product.summary(parse(model), state, scale.end), lead.summary(scale.end)
    assert abs(summary.pop("engagement") - wanted.pop("engagement")) <= 2e-6
    assert product.moves(state) == lead.moves
    assert product.cycle_facts(state) == lead.life.facts
    assert summary == wanted


@given(messages=life_of_one(SECONDS), model=MODELS)
@examples(400)
def test_life_under_a_model_of_seconds(messages: list[Message], model: Model) -> None:
    agree(messages, model, product.folded(messages, alone(parse(model)), SECONDS.end), SECONDS)


@given(messages=life_of_one(HALF_DAYS))
@examples(200)
def test_life_under_the_b2b_template(messages: list[Message]) -> None:
    agree(messages, B2B, product.folded(messages, alone(parse(B2B)), HALF_DAYS.end), HALF_DAYS)


@given(messages=life_of_one(SECONDS), model=MODELS, cuts=st.lists(st.integers(0, 40), max_size=6))
@examples(150)
def test_fold_in_slices_through_bytes_and_timers(messages: list[Message], model: Model, cuts: list[int]) -> None:
    parsed = alone(parse(model))
    state = initial()

    for part in product.in_slices(messages, cuts):
        state = product_fold.advance(parsed, state, part[0].occurred_at) if state.count else state
        state = decode(encode(product_fold.fold(parsed, state, part)))

    agree(messages, model, product_fold.advance(parsed, state, SECONDS.end), SECONDS)


@given(messages=life_of_one(SECONDS), model=MODELS)
@examples(150)
def test_waking_only_when_asked_to_misses_nothing(messages: list[Message], model: Model) -> None:
    parsed = alone(parse(model))
    state = initial()

    for each in sorted(messages, key=order):
        state = _woken(parsed, state, each["occurred_at"])
        state = product_fold.fold(parsed, state, [product.touchpoint(each)])

    agree(messages, model, _woken(parsed, state, SECONDS.end), SECONDS)


def _woken(parsed: Any, state: State, until: int) -> State:
    """Advanced through the instants at which the state asks to be woken, one by one."""
    while state.due is not None and state.due <= until:
        state = product_fold.advance(parsed, state, state.due)
    return state


def test_a_long_life() -> None:
    messages = long_life(LONG)

    agree(messages, B2B, product.folded(messages, alone(parse(B2B)), HALF_DAYS.end), HALF_DAYS)


def long_life(size: int) -> list[Message]:
    """Very many touchpoints of one lead within some weeks."""
    rng = Random(size)
    steps = [
        Step(rng.randrange(31), 0, 0, rng.randrange(100), rng.randrange(6), rng.randrange(12)) for _ in range(size)
    ]
    made = [message(place, step, HALF_DAYS) for place, step in enumerate(steps)]
    return [
        {**each, "id": f"t{place}", "keys": [user(0)], "occurred_at": each["occurred_at"] + place % 997 * 1_000_001}
        for place, each in enumerate(made)
    ]
