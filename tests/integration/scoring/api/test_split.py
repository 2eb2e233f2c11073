"""Undoing a wrong join over HTTP, by way of the log."""

from typing import Any

import httpx
import pytest

from shared.access import Scope
from shared.clock import DAY, HOUR
from tests.integration.scoring.api.service import T0, Service, id_of, new_key
from tests.scoring_driver import WORKSPACE, touchpoint

A1, U1 = "1anonymous_id:a1", "5user_id:u1"
SPLIT = {"key": {"type": "anonymous_id", "value": "a1"}, "from_key": {"type": "user_id", "value": "u1"}}


@pytest.fixture
async def writer(service: Service) -> httpx.AsyncClient:
    """Somebody who may correct leads."""
    key = await new_key(service.dsn, WORKSPACE, frozenset({Scope.LEADS_READ, Scope.LEADS_WRITE}))
    await service.access.load()
    return service.with_key(key)


@pytest.fixture
async def joined(service: Service) -> Service:
    """A device that was joined to a user."""
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1), touchpoint(2, "identified", T0 + DAY, U1, A1)])
    await service.scoring.catch_up(T0)
    return service


async def split(writer: httpx.AsyncClient, body: Any = None, expected: int = 202, **headers: str) -> Any:
    answer = await writer.post("/v1/identities/split", json=body or SPLIT, headers=headers)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def test_a_key_that_was_cut_is_its_own_again(joined: Service, writer: httpx.AsyncClient) -> None:
    accepted = await split(writer)
    await joined.deliver_log()
    await joined.scoring.catch_up(T0)

    device = await joined.get(f"/v1/leads/{id_of(A1)}")
    user = await joined.get(f"/v1/leads/{id_of(U1)}")

    assert (device["lead_id"], device["merged_into"]) == (id_of(A1), None)
    assert (device["status"], device["last_touch"]["id"]) == ("anonymous", accepted["touchpoint_id"])
    assert (user["first_touch"]["id"], user["identities"]) == ("t0002", [{"type": "user_id", "value": "u1"}])


async def test_the_same_request_again_is_the_same_split(joined: Service, writer: httpx.AsyncClient) -> None:
    headers: dict[str, Any] = {"idempotency-key": "correction-1"}

    first = await split(writer, **headers)
    at_once = await split(writer, **headers)
    appended = await joined.deliver_log()
    much_later = await split(writer, **headers)

    assert first["touchpoint_id"] == at_once["touchpoint_id"] == much_later["touchpoint_id"]
    assert appended == 2
    stored = await joined.scoring.pool.fetchval("SELECT count(*) FROM scoring.touchpoint WHERE strand = $1", A1)
    assert stored == 2


async def test_only_the_direct_owner_can_be_split_off_and_the_chain_is_shown(
    joined: Service, writer: httpx.AsyncClient
) -> None:
    await joined.scoring.deliver([touchpoint(3, "aliased", T0 + 2 * DAY, "5user_id:u2", previous=U1)])

    problem = await split(writer, {**SPLIT, "from_key": {"type": "user_id", "value": "u2"}}, 409)
    by_its_shown_name = await split(writer, {"key": A1, "from_key": U1})

    assert f"{A1} -> {U1} -> 5user_id:u2" in problem["detail"]
    assert by_its_shown_name["touchpoint_id"]


async def test_a_split_that_was_done_conflicts_with_another(joined: Service, writer: httpx.AsyncClient) -> None:
    await split(writer)
    await joined.deliver_log()

    problem = await split(writer, None, 409)

    assert problem["code"] == "conflict"


@pytest.mark.usefixtures("joined")
async def test_what_cannot_be_split_is_refused(writer: httpx.AsyncClient) -> None:
    never = {"type": "anonymous_id", "value": "never"}

    assert (await split(writer, {**SPLIT, "key": never}, 404))["code"] == "not_found"
    for wrong in ("9anonymous_id:a1", "a1", {"type": "cookie", "value": "1"}, {"type": "phone", "value": "1"}, {}, 7):
        assert (await split(writer, {**SPLIT, "key": wrong}, 422))["errors"]


async def test_reading_is_not_writing(joined: Service) -> None:
    answer = await joined.client.post("/v1/identities/split", json=SPLIT)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_join_said_later_holds(joined: Service, writer: httpx.AsyncClient) -> None:
    await split(writer)
    await joined.deliver_log()
    await joined.scoring.deliver([touchpoint(4, "identified", T0 + 10 * DAY + HOUR, U1, A1)])
    joined.clock.advance(DAY)

    assert (await joined.get(f"/v1/leads/{id_of(A1)}"))["lead_id"] == id_of(U1)
