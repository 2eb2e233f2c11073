from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from services.metrics.handlers.adoption import Pages, adopt
from services.metrics.handlers.reconcile import FactsCompared, compare_facts
from shared.clock import DAY, HOUR, to_text
from shared.contracts.lead_change import CycleFact
from shared.errors import Unavailable
from tests.integration.metrics.conftest import Desk
from tests.unit.metrics.builders import MIDNIGHT, change, fact, lead_id


@dataclass(frozen=True)
class _Told:
    lead_id: UUID
    fact_key: str
    version: int
    fact: msgspec.Raw


def _told(lead: int, told: CycleFact, key: str = "cycle:1") -> _Told:
    return _Told(lead_id(lead), key, 1, msgspec.Raw(msgspec.json.encode(told)))


async def _pages(told: Sequence[_Told], size: int) -> AsyncIterator[Sequence[_Told]]:
    ordered = sorted(told, key=lambda one: (one.lead_id, one.fact_key))
    for start in range(0, len(ordered) + 1, size):
        yield ordered[start : start + size]


async def _compare(desk: Desk, told: Sequence[_Told], size: int = 2) -> FactsCompared:
    return await compare_facts(desk.own.readers, desk.workspace, lambda: _pages(told, size))


async def test_facts_that_agree_are_counted_and_nothing_differs(desk: Desk) -> None:
    facts = {lead: fact(known=lead * HOUR, mql=DAY, touch={"channel": "web"}) for lead in range(7)}
    await desk.tell(*(change(n, 1, {"cycle:1": told, "cycle:2": told}, desk.workspace) for n, told in facts.items()))

    for size in (1, 2, 3, 50):
        told = [_told(n, one, key) for n, one in facts.items() for key in ("cycle:1", "cycle:2")]
        found = await _compare(desk, told, size)
        assert (found.compared, found.differing, found.reason) == (14, [], None)


async def test_every_kind_of_difference_is_named(desk: Desk) -> None:
    same = fact(known=0)
    await desk.tell(*(change(lead, 1, {"cycle:1": same}, desk.workspace) for lead in (1, 2, 3)))
    await desk.tell(change(5, 2, {"cycle:1": None}, desk.workspace))

    found = await _compare(desk, [_told(1, same), _told(2, fact(known=HOUR)), _told(4, same)])

    assert {(one.lead_id, one.kind) for one in found.differing} == {
        (lead_id(2), "different"),
        (lead_id(3), "surplus"),
        (lead_id(4), "missing"),
    }


async def test_a_change_on_its_way_is_no_difference(desk: Desk) -> None:
    told = fact(known=0)
    passes = 0

    def pages() -> Pages:
        nonlocal passes
        passes += 1
        return _arriving(desk, told, passes)

    found = await compare_facts(desk.own.readers, desk.workspace, pages)

    assert (passes > 1, found.differing) == (True, [])


async def _arriving(desk: Desk, told: CycleFact, number: int) -> AsyncIterator[Sequence[_Told]]:
    if number == 2:
        await desk.tell(change(1, 1, {"cycle:1": told}, desk.workspace))
    yield [_told(1, told)]


async def test_scoring_that_does_not_answer_is_said_so(desk: Desk) -> None:
    found = await compare_facts(desk.own.readers, desk.workspace, _away)

    assert (found.compared, found.reason) == (0, "scoring did not answer")


async def _away() -> AsyncIterator[Sequence[_Told]]:
    if not (pages := list[Sequence[_Told]]()):
        raise Unavailable("scoring did not answer")
    for page in pages:
        yield page


async def test_facts_that_were_missed_are_adopted_and_newer_ones_are_left_alone(desk: Desk) -> None:
    await desk.tell(change(1, 5, {"cycle:1": fact(known=0, mql=HOUR)}, desk.workspace))
    told = [_told(1, fact(known=0)), _told(2, fact(known=HOUR)), _told(3, fact(known=DAY))]

    adopted = await adopt(desk.own.pool, desk.workspace, _pages(told, 2), (), desk.own.clock)
    again = await adopt(desk.own.pool, desk.workspace, _pages(told, 2), (), desk.own.clock)

    answer = await desk.get("/v1/funnel", **{"from": to_text(MIDNIGHT), "to": to_text(MIDNIGHT + 2 * DAY)})
    assert (adopted, again) == (2, 0)
    assert [step["entered"] for step in answer["steps"]][:2] == [3, 1]


async def test_a_rebuild_without_scoring_is_refused_and_changes_nothing(desk: Desk) -> None:
    response = await desk.client.post("/v1/rebuild", headers=desk.bearer)

    assert (response.status_code, "METRICS_SCORING_URL" in response.json()["detail"]) == (503, True)
