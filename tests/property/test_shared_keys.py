"""A key of too many runs is nobody's: by the product, by the reference, and in whatever order it became so."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain import identity
from services.scoring.domain.identity import Link, Origin
from tests.conftest import Databases
from tests.property import product
from tests.property.pipeline import SECRET, Pipeline, Plan, arrivals, compare, expected
from tests.property.profiles import examples
from tests.property.test_identity_matches_reference import expected as leads_expected
from tests.property.test_identity_matches_reference import leads as leads_found
from tests.reference.answers import leads
from tests.reference.histories import SECONDS, WORKSPACE, device, email, histories, record, user
from tests.reference.identity import Identity
from tests.reference.message import Message
from tests.reference.model import Model
from tests.reference.models import MODELS, small

pytestmark = pytest.mark.timeout(600)

LIMITS = st.integers(1, 3)


_ANYTHING = (
    ("form_submitted", [email(0), device(0)], None),
    ("form_submitted", [email(0), device(1)], None),
    ("form_submitted", [email(1), device(2)], None),
    ("identified", [user(0), device(0)], None),
    ("identified", [user(1), device(0)], None),
    ("identified", [user(2), device(1)], None),
    ("identified", [user(0), email(1)], None),
    ("record_updated", [email(0), record(0)], None),
    ("record_updated", [email(1), record(0)], None),
    ("page_viewed", [device(0)], None),
    ("page_viewed", [email(0)], None),
    ("aliased", [user(0)], user(1)),
    ("aliased", [user(0)], user(2)),
    ("unlinked", [device(0)], user(0)),
    ("unlinked", [email(0)], user(1)),
)


@st.composite
def crowds(draw: st.DrawFn, max_size: int = 24) -> list[Message]:
    """Touchpoints around a device, an address and a record that very many people use."""
    found: list[Message] = []
    for place in range(draw(st.integers(1, max_size))):
        kind, keys, previous = draw(st.sampled_from(_ANYTHING))
        at = SECONDS.start + draw(st.integers(0, SECONDS.ticks)) * SECONDS.tick
        name = f"{draw(st.sampled_from('aZz'))}{place:03}"
        found.append(_message(name, kind, at, keys) | ({"previous": previous} if previous else {}))
    return found


def _message(name: str, kind: str, at: int, keys: list[str]) -> dict[str, Any]:
    return {
        "workspace": WORKSPACE,
        "id": name,
        "kind": kind,
        "channel": "web",
        "occurred_at": at,
        "received_at": at,
        "keys": keys,
    }


def _taken_back() -> list[Message]:
    """Four devices conclude an owner of one address; of two of them another address turns up in between."""
    tick, start = SECONDS.tick, SECONDS.start
    found = [_message("page", "page_viewed", start + 20 * tick, [email(0)])]
    for which in range(4):
        at = start + which * tick
        found.append(_message(f"form{which}", "form_submitted", at, [email(0), device(which)]))
        found.append(_message(f"user{which}", "identified", at + 9 * tick, [user(which), device(which)]))
        found.append(_message(f"page{which}", "page_viewed", at + 9 * tick, [email(0)]))
    between = start + 5 * tick
    return found + [_message(f"back{i}", "form_submitted", between, [email(1), device(i)]) for i in range(2)]


HISTORIES = st.one_of(crowds(), histories(SECONDS))


@given(messages=HISTORIES, most_runs=LIMITS, infer=st.booleans())
@examples(400)
def test_touchpoints_belong_to_the_same_roots(messages: list[Message], most_runs: int, infer: bool) -> None:
    owners = product.owners(messages, infer_email_owner=infer, most_runs=most_runs)

    wanted = Identity(messages, infer_email_owner=infer, most_runs=most_runs)

    assert leads_found(messages, owners) == leads_expected(wanted)


_LINKS = st.lists(
    st.builds(
        Link,
        key=st.just("5user_id:k"),
        at=st.integers(0, 6),
        id=st.uuids().map(str),
        target=st.sampled_from(["5user_id:u", "5user_id:v"]),
        origin=st.sampled_from([Origin.OWN, Origin.ALIAS, Origin.SPLIT]),
    ),
    max_size=12,
)


@given(links=_LINKS)
@examples(300)
def test_runs_never_become_fewer(links: Sequence[Link]) -> None:
    counts = [len(identity.runs_from(links[:count])) for count in range(len(links) + 1)]

    assert counts == sorted(counts)


@pytest.fixture(scope="module")
def pipeline(databases: Databases) -> Iterator[Pipeline]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        opened = Pipeline.open(runner, databases.dsn(name), databases.admin_dsn(name))
        yield opened
        opened.close()
        runner.run(databases.drop(name))


@given(arrival=arrivals(HISTORIES), model=MODELS, most_runs=LIMITS)
@examples(80)
def test_any_schedule_ends_where_the_reference_ends(
    pipeline: Pipeline, arrival: tuple[list[Message], Plan], model: Model, most_runs: int
) -> None:
    history, plan = arrival

    found = pipeline.after(history, plan, model, SECONDS.end, most_runs)

    compare(found, expected(leads(history, model, SECRET, SECONDS.end, most_runs), SECONDS.end))
    assert pipeline.refolded(model, SECONDS.end) == found


@given(arrival=arrivals(crowds()), model=MODELS, most_runs=LIMITS)
@examples(40)
def test_what_is_stored_is_the_same_in_any_order_of_arrival(
    pipeline: Pipeline, arrival: tuple[list[Message], Plan], model: Model, most_runs: int
) -> None:
    history, plan = arrival
    pipeline.after(history, plan, model, SECONDS.end, most_runs)
    in_some_order = pipeline.runs()

    pipeline.after(history, Plan(tuple(range(len(history))), (), one_at_a_time=True), model, SECONDS.end, most_runs)

    assert pipeline.runs() == in_some_order


@given(arrival=st.permutations(range(len(_taken_back()))), most_runs=st.integers(2, 4))
@examples(40)
def test_owners_count_again_when_they_are_no_longer_too_many(
    pipeline: Pipeline, arrival: list[int], most_runs: int
) -> None:
    history, model = _taken_back(), small(infer_email_owner=True)

    found = pipeline.after(history, Plan(tuple(arrival), (), one_at_a_time=True), model, SECONDS.end, most_runs)

    compare(found, expected(leads(history, model, SECRET, SECONDS.end, most_runs), SECONDS.end))
