"""A visitor with a new cookie at each visit: more keys than one answer names, caught up slice by slice."""

from typing import Any

import pytest

from services.scoring.handlers.belongings import MOST_KEYS
from shared.clock import SECOND, to_text
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import touchpoint

USER, OTHER = "5user_id:often", "5user_id:other"
COOKIES, PAGES = 4_100, 1
"""More than an answer names and than are caught up with others, and more touchpoints than one slice holds."""
SHARED = "1anonymous_id:d0000"
"""A cookie that in the end is another's."""


def _visits() -> list[dict[str, Any]]:
    found, number = [], 0
    for cookie in range(COOKIES):
        key, at = f"1anonymous_id:d{cookie:04}", T0 + cookie * 10 * SECOND
        for page in range(PAGES):
            number += 1
            found.append(touchpoint(number, "page_viewed", at + page * SECOND, key))
        number += 1
        found.append(touchpoint(number, "identified", at + PAGES * SECOND, USER, key))
    end = T0 + COOKIES * 10 * SECOND
    found.append(touchpoint(number + 1, "identified", end, OTHER, SHARED))
    found.append(touchpoint(number + 2, "page_viewed", end + SECOND, SHARED))
    return found


@pytest.fixture
async def wide(service: Service) -> Service:
    visits = _visits()
    for start in range(0, len(visits), 2_000):
        await service.scoring.deliver(visits[start : start + 2_000])
    await service.scoring.catch_up(0)
    return service


async def test_a_wide_lead_is_caught_up_in_slices_to_what_it_was(wide: Service) -> None:
    scoring = wide.scoring
    live = await scoring.leads()
    await scoring.pool.execute("DELETE FROM scoring.checkpoint")
    await scoring.pool.execute("UPDATE scoring.lead SET stale_at = earliest_at, stale_id = '' WHERE state IS NOT NULL")

    steps = await scoring.catch_up(0)

    assert steps > 2, "one slice would not be bounded"
    assert await scoring.leads() == live
    assert (live[USER].count, live[OTHER].count) == (COOKIES * (PAGES + 1), 2)


async def test_a_wide_lead_is_answered_with_some_of_its_keys_and_says_so(wide: Service) -> None:
    lead = await wide.get(f"/v1/leads/{id_of(USER)}")

    assert lead["more_identities"] is True
    assert 0 < len(lead["identities"]) <= MOST_KEYS
    assert {"type": "anonymous_id", "value": "d0000"} not in lead["identities"], "that one is another's"
    assert (await wide.get(f"/v1/leads/{id_of(OTHER)}"))["more_identities"] is False
    assert (await wide.get(f"/v1/leads/{id_of('1anonymous_id:d0042')}"))["merged_into"] == id_of(USER)


async def test_the_journey_of_a_wide_lead_holds_its_own_touchpoints_only(wide: Service) -> None:
    page = await wide.get(f"/v1/leads/{id_of(USER)}/touchpoints", limit=50)
    own = sorted((one for one in _visits()[:-2]), key=lambda one: (one["occurred_at"], one["id"]), reverse=True)

    assert [step["id"] for step in page["data"]] == [one["id"] for one in own[:50]]
    following = await wide.get(f"/v1/leads/{id_of(USER)}/touchpoints", limit=50, after=page["next"])
    assert [step["id"] for step in following["data"]] == [one["id"] for one in own[50:100]]


async def test_a_wide_lead_as_of_an_instant(wide: Service) -> None:
    middle = T0 + COOKIES // 2 * 10 * SECOND

    lead = await wide.get(f"/v1/leads/{id_of(USER)}", as_of=to_text(middle))

    assert lead["more_identities"] is True
    assert lead["last_touch"]["id"] == f"t{COOKIES // 2 * (PAGES + 1) + 1:04}"
