"""One lead over HTTP."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared import identity_key
from shared.clock import DAY, HOUR
from tests.integration.scoring.api.service import Service, opened
from tests.scoring_driver import SECRET, touchpoint

T0 = 20_000 * DAY
A1, U1 = "1anonymous_id:a1", "5user_id:u1"
E1 = identity_key.email_key(SECRET, "ann@example.com")


@pytest.fixture
async def service(database: str) -> AsyncIterator[Service]:
    async with opened(database, T0 + 10 * DAY) as service:
        yield service


def id_of(key: str) -> str:
    return str(identity_key.lead_id(SECRET, key))


async def test_a_lead_is_found_by_its_id(service: Service) -> None:
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, A1, page={"path": "/pricing"}, campaign={"source": "google"}),
            touchpoint(2, "identified", T0 + HOUR, U1, E1, A1, traits={"email": "ann@example.com", "seniority": "vp"}),
        ]
    )

    lead = await service.get(f"/v1/leads/{id_of(U1)}")

    assert (lead["lead_id"], lead["merged_into"]) == (id_of(U1), None)
    assert (lead["status"], lead["cycle"], lead["stale"]) == ("known", 1, False)
    assert lead["since"] == "2024-10-04T01:00:00Z"
    assert lead["score"] == {"engagement": round(9 * 2 ** (-10 / 14), 6), "fit": 40, "grade": None, "propensity": None}
    assert lead["identities"] == [
        {"type": "user_id", "value": "u1"},
        {"type": "email", "value": "ann@example.com"},
        {"type": "anonymous_id", "value": "a1"},
    ]
    assert lead["first_touch"]["source"] == "google"


async def test_the_id_of_any_key_answers_with_the_lead_that_holds_it(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, A1)])

    lead = await service.get(f"/v1/leads/{id_of(A1)}")

    assert (lead["lead_id"], lead["merged_into"]) == (id_of(U1), id_of(U1))


async def test_an_id_never_seen_is_not_found(service: Service) -> None:
    problem = await service.get(f"/v1/leads/{uuid4()}", 404)

    assert problem["code"] == "not_found"
