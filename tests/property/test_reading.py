"""What is read of the past equals the reference over just the touchpoints that were known by then and had happened."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import asyncpg
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.handlers import reading
from services.scoring.handlers.desk import Asker
from services.scoring.handlers.reading import LeadView, When
from services.scoring.handlers.refolding import Refolder
from services.scoring.handlers.touchpoints import TouchpointHandler
from services.scoring.handlers.worlds import Worlds
from shared.clock import ManualClock
from shared.database.connection import Engine
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.errors import NotFound
from shared.streaming.processor import BatchProcessor
from shared.vocabulary import Group
from tests.conftest import Databases
from tests.property.product import summary
from tests.property.profiles import examples
from tests.reference.answers import Lead
from tests.reference.fold import fold
from tests.reference.histories import SECONDS, histories
from tests.reference.identity import Identity
from tests.reference.links import MOST_RUNS
from tests.reference.message import Message, lead_id
from tests.reference.model import Model, infers_email_owner
from tests.reference.models import MODELS
from tests.scoring_driver import SECRET, WORKSPACE, Scoring, open_scoring

pytestmark = pytest.mark.timeout(600)

LIMITS = st.sampled_from([1, 2, 3, MOST_RUNS])

NOW = SECONDS.end + 1_000
"""Touchpoint ``n`` to arrive is recorded at ``SECONDS.end + n``; all are asked about at ``NOW``."""


@dataclass
class Library:
    """One database used by many examples, each of which finds it empty."""

    runner: asyncio.Runner
    scoring: Scoring
    admin: asyncpg.Connection
    engine: Engine

    @classmethod
    async def open(cls, runner: asyncio.Runner, dsn: str, admin_dsn: str) -> Self:
        scoring = await open_scoring(dsn, ManualClock(0))
        return cls(runner, scoring, await asyncpg.connect(admin_dsn), create_engine(dsn, Role.SCORING_READER))

    async def close(self) -> None:
        await self.engine.dispose()
        await self.admin.close()
        await self.scoring.pool.close()

    async def fill(self, arrived: Sequence[Message], model: Model, watermark: int, most_runs: int) -> Asker:
        tables = await self.admin.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'scoring' OR (schemaname = 'streaming' AND tablename IN ('outbox', 'position'))"
        )
        await self.admin.execute(";".join(f"DELETE FROM {row['name']}" for row in tables))  # noqa: S608
        worlds, clock = Worlds(yaml.safe_dump(dict(model)), most_runs), ManualClock(SECONDS.end)
        processor = BatchProcessor(
            self.scoring.pool, Group.SCORING_TOUCHPOINTS, TouchpointHandler(worlds, clock, epoch=1)
        )
        scoring = replace(self.scoring, processor=processor, refolder=Refolder(worlds, clock, epoch=1))
        for message in arrived:
            await scoring.deliver([dict(message)])
            clock.advance(1)
        await scoring.catch_up(watermark)
        return Asker(engine=self.engine, worlds=worlds, workspace=WORKSPACE, secret=SECRET, now=NOW)


@pytest.fixture(scope="module")
def library(databases: Databases) -> Iterator[Library]:
    with asyncio.Runner() as runner:
        name = runner.run(databases.create())
        opened = runner.run(Library.open(runner, databases.dsn(name), databases.admin_dsn(name)))
        yield opened
        runner.run(opened.close())
        runner.run(databases.drop(name))


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Message], int, int, int]:
    """A history in an order of arrival, how far timers have fired, an instant, and how many had arrived by then."""
    history = draw(histories(SECONDS, max_size=16))
    instants = st.integers(SECONDS.start, SECONDS.end)
    arrived = draw(st.permutations(history))
    return arrived, draw(instants), draw(instants), draw(st.integers(1, len(arrived)))


async def _answers(asker: Asker, keys: Sequence[str], at: When) -> dict[str, LeadView | None]:
    found: dict[str, LeadView | None] = {}
    for key in keys:
        try:
            found[key] = await reading.lead_of_key(asker, key, at)
        except NotFound:
            found[key] = None
    return found


def check(found: LeadView | None, key: str, identity: Identity, model: Model, now: int, as_of: int) -> None:
    """The answer about a key equals what these touchpoints alone say."""
    messages = identity.messages
    known = identity.keys()
    if key not in known:  # a key that was only named, as the previous one of somebody, holds nothing
        named = any(message.get("previous") == key for message in messages)
        assert found is None or (named and found.state is None)
        return
    assert found is not None
    root = identity.root(key, now)
    assert str(found.lead_id) == lead_id(SECRET, root)
    assert (found.merged_into is None) == (key == root)
    owned = [message for message in identity.leads().get(root, []) if message["occurred_at"] <= as_of]
    if not owned:
        assert found.state is None
        return
    assert found.state is not None
    wanted = Lead(root, lead_id(SECRET, root), fold(owned, model, as_of)).summary(as_of)
    shown: dict[str, Any] = summary(found.model, found.state, as_of)
    assert abs(shown.pop("engagement") - wanted.pop("engagement")) <= 2e-6
    assert shown == wanted
    assert sorted(found.keys) == sorted(one for one in known if identity.root(one, as_of) == root)


@given(question=questions(), model=MODELS, most_runs=LIMITS)
@examples(40)
def test_as_of_is_what_is_known_now_about_then(
    library: Library, question: tuple[list[Message], int, int, int], model: Model, most_runs: int
) -> None:
    arrived, watermark, as_of, _ = question
    keys = sorted(Identity(arrived).keys())

    asker = library.runner.run(library.fill(arrived, model, watermark, most_runs))
    found = library.runner.run(_answers(asker, keys, When(as_of, None)))

    known = Identity(arrived, infer_email_owner=infers_email_owner(model), most_runs=most_runs)
    for key in keys:
        check(found[key], key, known, model, NOW, as_of)


@given(question=questions(), model=MODELS, most_runs=LIMITS)
@examples(40)
def test_known_at_leaves_out_what_came_later(
    library: Library, question: tuple[list[Message], int, int, int], model: Model, most_runs: int
) -> None:
    arrived, watermark, as_of, count = question
    keys = sorted(Identity(arrived).keys())
    known_at = SECONDS.end + count - 1

    asker = library.runner.run(library.fill(arrived, model, watermark, most_runs))
    found = library.runner.run(_answers(asker, keys, When(as_of, known_at)))

    known = Identity(arrived[:count], infer_email_owner=infers_email_owner(model), most_runs=most_runs)
    for key in keys:
        check(found[key], key, known, model, known_at, as_of)
