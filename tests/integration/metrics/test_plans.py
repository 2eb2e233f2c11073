"""What the readers' statements cost: plans of the reader role, under row-level security, on a filled database."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.metrics.domain.behind import Cell, Part
from services.metrics.domain.layout import layout
from services.metrics.domain.question import Basis, Question
from services.metrics.queries import cells, counts, leads
from services.metrics.queries.snapshot import looking
from shared.clock import DAY
from shared.database.connection import Connection
from tests.integration.metrics.conftest import Desk
from tests.integration.metrics.histories import random_changes
from tests.unit.metrics.builders import MIDNIGHT


class _Explained(Exception):
    """Carries the plan out of the function under test."""


class _Explaining:
    """Stands where a connection does and explains the statement it is given instead of running it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        rows = await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
        raise _Explained(rows)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        return await self.fetch(statement, *arguments)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in _nodes(child))]


_QUESTION = Question(
    basis=Basis.COHORT,
    entry=1,
    start=MIDNIGHT - DAY,
    end=MIDNIGHT,
    zone="UTC",
    by=("country",),
    where={"channel": "web"},
)
_CELL = Cell(
    basis=Basis.COHORT,
    entry=1,
    step=2,
    start=MIDNIGHT - DAY,
    end=MIDNIGHT,
    window=None,
    cut=MIDNIGHT,
    where=(("campaign", "spring"),),
)


async def _ask(asked: str, connection: Any, workspace: UUID) -> None:
    match asked:
        case "sums":
            await cells.sums(connection, workspace, layout(Basis.COHORT, 1), (1, 1), (20_000, 20_030))
        case "state":
            await cells.state(connection, workspace, {})
        case "counts":
            await counts.counts(connection, workspace, _QUESTION, MIDNIGHT)
        case _:
            await leads.leads(connection, workspace, leads.Behind(_CELL, Part.ENTERED), None, 50)


@pytest.mark.parametrize("asked", ["sums", "state", "counts", "leads"])
async def test_a_reader_finds_its_rows_by_an_index_under_row_level_security(desk: Desk, asked: str) -> None:
    for seed in range(2):
        await desk.tell(*random_changes(seed, 60, desk.workspace, version=seed + 1))
    async with desk.own.pool.acquire() as connection:
        # Few rows make every scan cheap; the plan wanted is that of many.
        await connection.execute("DELETE FROM metrics.delta")
    async with looking(desk.own.readers, desk.workspace) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        with pytest.raises(_Explained) as explained:
            await _ask(asked, _Explaining(connection), desk.workspace)

    (plan,) = msgspec.json.decode(str(explained.value))
    scans = [node for node in _nodes(plan["Plan"]) if "Relation Name" in node]
    conditions = [str(node.get("Index Cond", node.get("Recheck Cond", ""))) for node in _nodes(plan["Plan"])]
    assert [node["Node Type"] for node in scans if "Seq" in node["Node Type"]] == []
    assert any("workspace_id" in condition for condition in conditions)
    if asked in {"counts", "leads"}:
        assert any("known_at" in condition for condition in conditions)
    if asked == "sums":
        assert any("period" in condition and "dimension" in condition for condition in conditions)
        assert all(node["Relation Name"] == "cell" for node in scans)


async def test_a_reader_sees_nothing_without_a_workspace(desk: Desk) -> None:
    await desk.tell(*random_changes(1, 5, desk.workspace))

    async with desk.own.readers.acquire() as connection:
        seen = [
            await connection.fetchval(f"SELECT count(*) FROM metrics.{table}")  # noqa: S608  (names of our tables)
            for table in ("fact", "cell", "shard", "delta", "calendar", "attribute_value", "sign_in")
        ]

    assert seen == [0] * 7
