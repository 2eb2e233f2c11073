"""Three workers join one person's strands at the same moment, each in its own partition; nothing is lost on the way."""

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Databases
from tests.property.pipeline import PARTITIONS, SECRET, Pipeline, Plan, Round, compare, expected, partition_of
from tests.property.profiles import examples
from tests.reference.answers import leads
from tests.reference.message import SECOND, Message
from tests.reference.models import small
from tests.reference.vectors import touchpoint

pytestmark = pytest.mark.timeout(600)


def key_in(partition: int, prefix: str) -> str:
    """A key that lies in this partition."""
    return next(key for number in count() if partition_of(key := f"{prefix}{number}") == partition)


DEVICE = "1anonymous_id:a"
RECORD, ADDRESS, USER = (
    key_in(place, prefix) for place, prefix in enumerate(("2external.crm:", "4email:", "5user_id:"))
)
UNTIL = 20_000 * SECOND


@pytest.fixture(scope="module")
def pipeline(databases: Databases) -> Iterator[Pipeline]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        opened = Pipeline.open(runner, databases.dsn(name), databases.admin_dsn(name))
        yield opened
        opened.close()
        runner.run(databases.drop(name))


def apart(rounds: int) -> list[Message]:
    """What each of the four did before they are known to be one."""
    return [
        touchpoint("page_viewed", key, at=place + number / 10)
        for number, key in enumerate((DEVICE, RECORD, ADDRESS, USER))
        for place in range(rounds)
    ]


@given(
    links=st.permutations([(DEVICE, RECORD), (RECORD, ADDRESS), (ADDRESS, USER)]),
    at=st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
@examples(25)
def test_three_links_of_one_chain_committed_at_once(
    pipeline: Pipeline, links: list[tuple[str, str]], at: list[int]
) -> None:
    before = apart(4)
    joins = [
        touchpoint("identified", *pair, at=when + 0.55 + place / 1_000)
        for place, (pair, when) in enumerate(zip(links, at, strict=True))
    ]
    history = [*before, *joins]
    sizes = [sum(partition_of(each["keys"][0]) == partition for each in before) for partition in range(PARTITIONS)]
    rounds = (Round(tuple(sizes), catch_up=True, zombie=False), Round((1, 1, 1), catch_up=True, zombie=True))

    found = pipeline.after(history, Plan(tuple(range(len(history))), rounds), small(), UNTIL)

    compare(found, expected(leads(history, small(), SECRET, UNTIL), UNTIL))
