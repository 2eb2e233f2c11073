"""The real scoring handlers on a real database under a random schedule, and what they then hold and have told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self, TypeVar

import asyncpg
import msgspec
import yaml
from hypothesis import strategies as st

from services.scoring.domain.identity import MOST_RUNS
from services.scoring.handlers.refolding import Refolder
from services.scoring.handlers.touchpoints import TouchpointHandler
from services.scoring.handlers.worlds import Worlds
from shared.clock import ManualClock
from shared.contracts.lead_change import LeadChange
from shared.errors import Fenced, Transient
from shared.streaming.processor import BatchProcessor
from shared.vocabulary import Group
from tests.property import product
from tests.reference.answers import Lead
from tests.reference.message import Message
from tests.reference.model import Model
from tests.reference.timeline import Models
from tests.scoring_driver import SECRET, WORKSPACE, Scoring, open_scoring

PARTITIONS = 3
_LAST_DIGIT = 2e-6
_T = TypeVar("_T")


@dataclass(frozen=True)
class Round:
    """What happens at once: a batch of each partition, catch-up workers, a zombie that repeats the batches."""

    sizes: tuple[int, ...]
    catch_up: bool
    zombie: bool


ROUNDS = st.builds(
    Round, sizes=st.tuples(*[st.integers(0, 6)] * PARTITIONS), catch_up=st.booleans(), zombie=st.booleans()
)


@dataclass(frozen=True)
class Plan:
    """An order of arrival with duplicates, and rounds of work."""

    arrival: tuple[int, ...]
    rounds: tuple[Round, ...]
    one_at_a_time: bool = False
    published: tuple[int, ...] = (0, 0, 0)
    """Before which rounds the later versions of the model are published, each not before the one before it."""


def plans(size: int) -> st.SearchStrategy[Plan]:
    """Ways in which a history of this size can arrive and be worked on."""
    copies = st.lists(st.integers(0, size - 1), max_size=size // 3)
    arrivals = copies.flatmap(lambda extra: st.permutations([*range(size), *extra])).map(tuple)
    published = st.lists(st.integers(0, 12), min_size=3, max_size=3).map(sorted).map(tuple)
    return st.builds(Plan, arrival=arrivals, rounds=st.lists(ROUNDS, max_size=12).map(tuple), published=published)


def arrivals(histories: st.SearchStrategy[list[Message]]) -> st.SearchStrategy[tuple[list[Message], Plan]]:
    """A history and a plan for it."""
    return histories.flatmap(lambda history: st.tuples(st.just(history), plans(len(history))))


class Pipeline:
    """One database used by many examples, each of which finds it empty."""

    def __init__(self, runner: asyncio.Runner, scoring: Scoring, admin: asyncpg.Connection) -> None:
        self._runner, self._scoring, self._admin = runner, scoring, admin

    @classmethod
    def open(cls, runner: asyncio.Runner, dsn: str, admin_dsn: str) -> Self:
        """Connect within the runner's loop."""

        async def connect() -> tuple[Scoring, asyncpg.Connection]:
            return await open_scoring(dsn, ManualClock(0)), await asyncpg.connect(admin_dsn)

        return cls(runner, *runner.run(connect()))

    def close(self) -> None:
        """Let go of all connections."""

        async def disconnect() -> None:
            await self._admin.close()
            await self._scoring.pool.close()

        self._runner.run(disconnect())

    def after(
        self, history: Sequence[Message], plan: Plan, models: Models, until: int, most_runs: int = MOST_RUNS
    ) -> "Outcome":
        """What scoring holds and has told when the plan is through and all is caught up."""
        return self._runner.run(self._after(history, plan, models, until, most_runs))

    async def _after(
        self, history: Sequence[Message], plan: Plan, models: Models, until: int, most_runs: int
    ) -> "Outcome":
        await self._empty()
        scoring = self._fresh(models, most_runs)
        queues = _queues(history, plan)
        versions = [] if isinstance(models, Mapping) else list(models[1:])
        for place, work in enumerate(plan.rounds):
            watermark = history[0]["occurred_at"] + (until - history[0]["occurred_at"]) * place // len(plan.rounds)
            while versions and plan.published[len(models) - 1 - len(versions)] <= place:
                await self._publish(*versions.pop(0))
            await _play(scoring, queues, work, watermark)
        for version in versions:
            await self._publish(*version)
        for partition, queue in queues.items():
            step = 1 if plan.one_at_a_time else len(queue)
            for start in range(0, len(queue), max(step, 1)):
                await insist(partial(scoring.deliver, queue[start : start + step], partition))
        await scoring.catch_up(until)
        return await outcome(scoring, self._admin, models, until)

    def refolded(self, models: Models, until: int) -> "Outcome":
        """The same leads folded anew from the first touchpoint on, as after a new model."""

        async def refold() -> Outcome:
            scoring = self._fresh(models)
            await self._admin.execute("DELETE FROM scoring.checkpoint")
            await self._admin.execute("UPDATE scoring.lead SET stale_at = earliest_at, stale_id = ''")
            await scoring.catch_up(until)
            return await outcome(scoring, self._admin, models, until)

        return self._runner.run(refold())

    def runs(self) -> list[tuple[Any, ...]]:
        """The runs that count, as they are stored."""
        statement = (
            "SELECT key, at, id, via, target, origin FROM scoring.run WHERE origin <> 'void' ORDER BY 1, 2, 3, 4"
        )
        return [tuple(row) for row in self._runner.run(self._admin.fetch(statement))]

    def changes(self) -> list[LeadChange]:
        """All lead changes told since the last plan began."""
        return self._runner.run(self._scoring.changes())

    async def _publish(self, at: int, model: Model) -> None:
        await self._admin.execute(
            "INSERT INTO scoring.model (workspace_id, version, published_at, body) VALUES ($1, $2, $3, $4)",
            WORKSPACE,
            model["version"],
            at,
            yaml.safe_dump(dict(model)),
        )

    def _fresh(self, models: Models, most_runs: int = MOST_RUNS) -> Scoring:
        template = models if isinstance(models, Mapping) else models[0][1]
        worlds, clock = Worlds(yaml.safe_dump(dict(template)), most_runs), ManualClock(0)
        handler = TouchpointHandler(worlds, clock, epoch=1)
        processor = BatchProcessor(self._scoring.pool, Group.SCORING_TOUCHPOINTS, handler)
        return replace(self._scoring, handler=handler, refolder=Refolder(worlds, clock, epoch=1), processor=processor)

    async def _empty(self) -> None:
        tables = await self._admin.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'scoring' OR (schemaname = 'streaming' AND tablename IN ('outbox', 'position'))"
        )
        for row in tables:
            await self._admin.execute("DELETE FROM " + row["name"])  # noqa: S608 - names come from the catalogue


def _queues(history: Sequence[Message], plan: Plan) -> dict[int, list[dict[str, Any]]]:
    """What arrives in each partition: those of one strand in one partition, in order of arrival."""
    queues: dict[int, list[dict[str, Any]]] = {partition: [] for partition in range(PARTITIONS)}
    for place in plan.arrival:
        message = history[place]
        queues[partition_of(message["keys"][0])].append(dict(message))
    return queues


def partition_of(strand: str) -> int:
    """In which partition the touchpoints of a strand lie in these tests."""
    return sum(strand.encode()) % PARTITIONS


async def _play(scoring: Scoring, queues: Mapping[int, list[dict[str, Any]]], work: Round, watermark: int) -> None:
    """Let several workers and the catch-up worker run at once."""
    tasks: list[Coroutine[Any, Any, Any]] = []
    for partition, size in enumerate(work.sizes):
        batch, queues[partition][:size] = queues[partition][:size], []
        if batch:
            tasks += [insist(partial(scoring.deliver, batch, partition)) for _ in range(2 if work.zombie else 1)]
    if work.catch_up:
        tasks += [insist(partial(scoring.step, watermark)) for _ in range(2)]
    await asyncio.gather(*tasks)


async def insist(attempt: Callable[[], Awaitable[_T]]) -> _T:
    """Again whenever another worker was faster or the database gave up, as the loop does."""
    for _ in range(50):
        try:
            return await attempt()
        except (Fenced, Transient):
            continue
    message = "the same batch failed fifty times"
    raise AssertionError(message)


@dataclass(frozen=True)
class Outcome:
    """What scoring holds and has told."""

    leads: dict[str, dict[str, Any]]
    facts: dict[tuple[str, str], dict[str, Any]]
    moves: dict[str, list[tuple[Any, ...]]]
    stored: list[str]
    unsettled: int
    changes: int


async def outcome(scoring: Scoring, admin: asyncpg.Connection, models: Models, until: int) -> Outcome:
    """Read everything back."""
    parsed = product.timeline_of(models).models
    states = await scoring.leads()
    changes = [msgspec.to_builtins(change) for change in await scoring.changes()]
    stored = await admin.fetch("SELECT body FROM scoring.touchpoint")
    return Outcome(
        leads={
            key: product.summary(parsed[state.model_version], state, until) | {"count": state.count}
            for key, state in states.items()
        },
        facts=told_facts(changes),
        moves=told_moves(changes),
        stored=sorted(msgspec.json.decode(row["body"])["id"] for row in stored),
        unsettled=await admin.fetchval("SELECT count(*) FROM scoring.lead WHERE stale_at IS NOT NULL"),
        changes=len(changes),
    )


def told_facts(changes: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """What a reader of all changes holds in the end; versions of a lead must rise."""
    versions: dict[str, int] = {}
    held: dict[tuple[str, str], dict[str, Any]] = {}
    for change in changes:
        lead_id = change["lead_id"]
        assert change["version"] > versions.get(lead_id, 0), "versions of a lead rise"
        versions[lead_id] = change["version"]
        for key, fact in change["facts"].items():
            held.pop((lead_id, key), None)
            if fact is not None:
                held[lead_id, key] = plain(fact)
    assert len({change["change_id"] for change in changes}) == len(changes), "ids of changes are unique"
    return held


def plain(fact: Mapping[str, Any]) -> dict[str, Any]:
    """A fact without what is not set, its sequences as lists."""
    kept = {name: list(value) if isinstance(value, tuple) else value for name, value in fact.items()}
    kept["dimensions"] = {name: value for name, value in fact["dimensions"].items() if value is not None}
    return {name: value for name, value in kept.items() if value is not None and value != []}


def told_moves(changes: Sequence[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """The moves that hold in the end per lead, each told once and retracted only when told."""
    held: dict[str, dict[str, tuple[Any, ...]]] = {}
    for change in changes:
        of_lead = held.setdefault(change["lead_id"], {})
        for move in change["transitions"]["retracted"]:
            assert of_lead.pop(move["id"], None) is not None, "only what was told is retracted"
        for move in change["transitions"]["added"]:
            assert move["id"] not in of_lead, "a move is told once"
            of_lead[move["id"]] = _move(move)
    return {lead_id: sorted(moves.values(), key=str) for lead_id, moves in held.items() if moves}


def _move(told: Mapping[str, Any]) -> tuple[Any, ...]:
    """Axis, to, at, cycle, the touchpoint that caused it (None for a timer, whose cause is its rule), from, implied."""
    touchpoint = None if told["cause"] == told.get("rule") else told["cause"]
    where = (told["axis"], told["to"], told["at"], told["cycle"])
    return (*where, touchpoint, told.get("origin"), told.get("implied", False))


def expected(leads: Mapping[str, Lead], until: int) -> Outcome:
    """The outcome that the reference asks for."""
    return Outcome(
        leads={root: lead.summary(until) | {"count": len(lead.life.messages)} for root, lead in leads.items()},
        facts={(lead.lead_id, key): dict(fact) for lead in leads.values() for key, fact in lead.life.facts.items()},
        moves={lead.lead_id: sorted(lead.moves, key=str) for lead in leads.values()},
        stored=sorted(each for lead in leads.values() for each in lead.touchpoint_ids),
        unsettled=0,
        changes=0,
    )


def compare(found: Outcome, wanted: Outcome) -> None:
    """Equal in everything, scores to their last digit but one; otherwise says what differs."""
    assert found.unsettled == 0, f"{found.unsettled} leads are still stale"
    product, reference = _parts(found), _parts(wanted)
    for root, lead in product["leads"].items():
        other = reference["leads"].get(root, lead)
        if abs(lead["engagement"] - other["engagement"]) <= _LAST_DIGIT:
            other["engagement"] = lead["engagement"]
    assert product == reference, "\n".join(_differences(product, reference))


def _parts(told: Outcome) -> dict[str, dict[Any, Any]]:
    leads = {root: dict(lead) for root, lead in told.leads.items()}
    return {"leads": leads, "facts": told.facts, "moves": told.moves, "stored": dict.fromkeys(told.stored, 1)}


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for part, of_part in wanted.items():
        for key in sorted({*of_part, *found[part]}, key=str):
            if found[part].get(key) != of_part.get(key):
                yield f"{part} {key}:\n  product   {found[part].get(key)}\n  reference {of_part.get(key)}"


__all__ = ["SECRET", "Outcome", "Pipeline", "Plan", "Round", "arrivals", "compare", "expected"]
