"""Any order, duplication, lateness, split into batches and interleaving of workers ends where the reference ends."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Databases
from tests.property.pipeline import SECRET, Pipeline, Plan, arrivals, compare, expected
from tests.property.profiles import examples
from tests.property.test_fold_matches_reference import B2B
from tests.reference.answers import leads
from tests.reference.histories import HALF_DAYS, SECONDS, histories
from tests.reference.message import Message
from tests.reference.model import Model
from tests.reference.models import MODELS, small
from tests.reference.vectors import STEP, VECTORS, Vector

Arrival = tuple[list[Message], Plan]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def pipeline(databases: Databases) -> Iterator[Pipeline]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        opened = Pipeline.open(runner, databases.dsn(name), databases.admin_dsn(name))
        yield opened
        opened.close()
        runner.run(databases.drop(name))


@given(arrival=arrivals(histories(SECONDS)), model=MODELS)
@examples(40)
def test_any_schedule_ends_where_the_reference_ends(pipeline: Pipeline, arrival: Arrival, model: Model) -> None:
    history, plan = arrival

    found = pipeline.after(history, plan, model, SECONDS.end)

    compare(found, expected(leads(history, model, SECRET, SECONDS.end), SECONDS.end))


@given(arrival=arrivals(histories(HALF_DAYS)))
@examples(20)
def test_any_schedule_under_the_b2b_template(pipeline: Pipeline, arrival: Arrival) -> None:
    history, plan = arrival

    found = pipeline.after(history, plan, B2B, HALF_DAYS.end)

    compare(found, expected(leads(history, B2B, SECRET, HALF_DAYS.end), HALF_DAYS.end))


@given(arrival=arrivals(histories(SECONDS)), model=MODELS)
@examples(10)
def test_folding_everything_anew_changes_nothing_and_tells_nothing(
    pipeline: Pipeline, arrival: Arrival, model: Model
) -> None:
    live = pipeline.after(*arrival, model, SECONDS.end)

    assert pipeline.refolded(model, SECONDS.end) == live


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
@given(seed=st.integers(0, 1_000))
@examples(3)
def test_vectors_one_touchpoint_at_a_time(pipeline: Pipeline, vector: Vector, seed: int) -> None:
    model = small(infer_email_owner=vector.infer_email_owner)
    arrival = Random(seed).sample(range(len(vector.touchpoints)), len(vector.touchpoints))

    found = pipeline.after(vector.touchpoints, Plan(tuple(arrival), (), one_at_a_time=True), model, 20 * STEP)

    compare(found, expected(leads(vector.touchpoints, model, SECRET, 20 * STEP), 20 * STEP))
