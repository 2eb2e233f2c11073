"""A device under which more people come than one may have: from then on it is nobody's, and nothing reads its links."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.scoring.domain.identity import MOST_RUNS
from shared.clock import DAY, SECOND, ManualClock
from tests.reference.identity import Identity
from tests.scoring_driver import Scoring, open_scoring, touchpoint

T0 = 20_000 * DAY
KIOSK = "1anonymous_id:kiosk"


@pytest.fixture
async def scoring(database: str) -> AsyncIterator[Scoring]:
    opened = await open_scoring(database, ManualClock(T0))
    yield opened
    await opened.pool.close()


def _visit(number: int) -> list[dict[str, Any]]:
    """Somebody looks at the kiosk and then says who it is."""
    at, user = T0 + number * SECOND, f"5user_id:u{number:04}"
    return [touchpoint(2 * number, "page_viewed", at, KIOSK), touchpoint(2 * number + 1, "identified", at, user, KIOSK)]


async def _deliver(scoring: Scoring, touchpoints: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(touchpoints), 500):
        await scoring.deliver(touchpoints[start : start + 500])


async def _counts(scoring: Scoring) -> dict[str, int]:
    await scoring.catch_up(T0)
    return {key: state.count for key, state in (await scoring.leads()).items()}


def _wanted(touchpoints: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {root: len(owned) for root, owned in Identity(touchpoints).leads().items()}


async def _runs_that_count(scoring: Scoring) -> int:
    found = await scoring.pool.fetchval("SELECT count(*) FROM scoring.run WHERE key = $1 AND origin <> 'void'", KIOSK)
    return int(found)


async def test_history_moves_when_the_limit_is_crossed_and_links_are_only_stored_from_then_on(scoring: Scoring) -> None:
    visits = [one for number in range(MOST_RUNS + 40) for one in _visit(number)]
    below, crossing, after = visits[: 2 * MOST_RUNS], visits[2 * MOST_RUNS :][:2], visits[2 * MOST_RUNS + 2 :]

    await _deliver(scoring, below)
    assert await _counts(scoring) == _wanted(below)
    assert await _runs_that_count(scoring) == MOST_RUNS

    await _deliver(scoring, crossing)
    assert await _counts(scoring) == _wanted([*below, *crossing])
    assert (await _counts(scoring))[KIOSK] == MOST_RUNS + 1
    assert await _runs_that_count(scoring) == 1

    await _deliver(scoring, after)
    assert await _counts(scoring) == _wanted(visits)
    assert await _runs_that_count(scoring) == 1
    assert await scoring.pool.fetchval("SELECT count(*) FROM scoring.link WHERE key = $1", KIOSK) == MOST_RUNS + 40
