"""Leads whose model gets new versions: product = reference, for every history, schedule and place of publication."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain import fold as product_fold
from services.scoring.domain.state import State, decode, encode, initial
from tests.conftest import Databases
from tests.property import product
from tests.property.pipeline import SECRET, Pipeline, Plan, arrivals, compare, expected
from tests.property.profiles import examples
from tests.reference.answers import Lead, leads
from tests.reference.fold import fold
from tests.reference.histories import SECONDS, histories, life_of_one
from tests.reference.message import Message
from tests.reference.model import Model
from tests.reference.models import timelines

Versions = list[tuple[int, Model]]
Arrival = tuple[list[Message], Plan]

pytestmark = pytest.mark.timeout(600)

TIMELINES = timelines(SECONDS.start - 3_000_000, SECONDS.end)


@pytest.fixture(scope="module")
def pipeline(databases: Databases) -> Iterator[Pipeline]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        opened = Pipeline.open(runner, databases.dsn(name), databases.admin_dsn(name))
        yield opened
        opened.close()
        runner.run(databases.drop(name))


def agree(messages: list[Message], versions: Versions, state: State) -> None:
    """The state tells what the reference tells of the same touchpoints."""
    lead = Lead("", "", fold(messages, versions, SECONDS.end))
    model = product.timeline_of(versions).models[state.model_version]
    summary, wanted = product.summary(model, state, SECONDS.end), lead.summary(SECONDS.end)
    assert abs(summary.pop("engagement") - wanted.pop("engagement")) <= 2e-6
    assert product.moves(state) == lead.moves
    assert product.cycle_facts(state) == lead.life.facts
    assert summary == wanted


@given(messages=life_of_one(SECONDS), versions=TIMELINES)
@examples(300)
def test_life_under_several_versions(messages: list[Message], versions: Versions) -> None:
    agree(messages, versions, product.folded(messages, product.timeline_of(versions), SECONDS.end))


@given(messages=life_of_one(SECONDS), versions=TIMELINES, cuts=st.lists(st.integers(0, 40), max_size=6))
@examples(100)
def test_fold_in_slices_through_bytes_and_timers(messages: list[Message], versions: Versions, cuts: list[int]) -> None:
    timeline = product.timeline_of(versions)
    state = initial()

    for part in product.in_slices(messages, cuts):
        state = product_fold.advance(timeline, state, part[0].occurred_at) if state.count else state
        state = decode(encode(product_fold.fold(timeline, state, part)))

    agree(messages, versions, product_fold.advance(timeline, state, SECONDS.end))


@given(messages=life_of_one(SECONDS), versions=TIMELINES)
@examples(20)
def test_the_definition_asks_every_second(messages: list[Message], versions: Versions) -> None:
    searched = fold(messages, versions, SECONDS.end)
    defined = fold(messages, versions, SECONDS.end, every_second=True)

    assert (searched.moves, searched.facts) == (defined.moves, defined.facts)


@given(arrival=arrivals(histories(SECONDS)), versions=TIMELINES)
@examples(60)
def test_any_schedule_ends_where_the_reference_ends(pipeline: Pipeline, arrival: Arrival, versions: Versions) -> None:
    history, plan = arrival

    found = pipeline.after(history, plan, versions, SECONDS.end)

    compare(found, expected(leads(history, versions, SECRET, SECONDS.end), SECONDS.end))


@given(arrival=arrivals(histories(SECONDS)), versions=TIMELINES)
@examples(15)
def test_folding_everything_anew_changes_nothing_and_tells_nothing(
    pipeline: Pipeline, arrival: Arrival, versions: Versions
) -> None:
    live = pipeline.after(*arrival, versions, SECONDS.end)

    assert pipeline.refolded(versions, SECONDS.end) == live
