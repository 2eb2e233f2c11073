"""From raw touchpoints through both services to the funnel: the numbers are those of the reference's recount."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_text
from shared.contracts.lead_change import LeadChange
from tests.conftest import Databases
from tests.property.metering import Metering
from tests.property.pipeline import SECRET, Pipeline, Plan, arrivals
from tests.property.profiles import examples
from tests.property.test_fold_matches_reference import B2B
from tests.reference.checker import Judge, check_funnel
from tests.reference.histories import HALF_DAYS, histories
from tests.reference.message import DAY, Message

pytestmark = pytest.mark.timeout(600)

SPANS = ((0, 400), (-100, -50), (-50, -20), (-20, 60))
"""Ranges in days around the histories' midnight: all of it, and parts."""

QUESTIONS = [
    (span, {"basis": basis, **by})
    for span in SPANS
    for basis in ("cohort", "period")
    for by in ({"by": "channel"}, {"by": "campaign"}, {"by": "channel,campaign"})
    if span == SPANS[0] or by == {"by": "channel"}
]


@pytest.fixture(scope="module")
def services(databases: Databases) -> Iterator[tuple[Pipeline, Metering]]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        pipeline = Pipeline.open(runner, databases.dsn(name), databases.admin_dsn(name))
        metering = Metering.open(runner, databases.dsn(name))
        yield pipeline, metering
        metering.close()
        pipeline.close()
        runner.run(databases.drop(name))


def delivered(changes: list[LeadChange], seed: int) -> list[list[LeadChange]]:
    """The changes as a topic may give them: some twice, in batches, and in any order."""
    rng = Random(seed)
    arriving = changes + [change for change in changes if rng.random() < 0.3]
    rng.shuffle(arriving)
    size = rng.randint(1, 12)
    return [arriving[start : start + size] for start in range(0, len(arriving), size)]


def bounds(span: tuple[int, int]) -> tuple[int, int]:
    """Start and end of a range in microseconds."""
    middle = HALF_DAYS.start // DAY * DAY if span == SPANS[0] else 20_000 * DAY
    return middle + span[0] * DAY, middle + span[1] * DAY


@given(arrival=arrivals(histories(HALF_DAYS)), seed=st.integers(0, 10_000))
@examples(8)
def test_funnels_are_the_recount_of_the_reference(
    services: tuple[Pipeline, Metering], arrival: tuple[list[Message], Plan], seed: int
) -> None:
    pipeline, metering = services
    pipeline.after(*arrival, B2B, HALF_DAYS.end)
    asked = [
        {"from": to_text(bounds(span)[0]), "to": to_text(bounds(span)[1]), "tz": "UTC", **question}
        for span, question in QUESTIONS
    ]

    answers = metering.after(delivered(pipeline.changes(), seed), asked)

    facts = Judge(arrival[0], B2B, SECRET, since=HALF_DAYS.end, until=HALF_DAYS.end).facts.values()
    for (span, question), answer in zip(QUESTIONS, answers, strict=True):
        assert check_funnel(answer, facts, *bounds(span), basis=question["basis"]) == [], (span, question)
