"""The feed as Server-Sent Events, over a real port: what a browser or curl sees."""

from collections.abc import AsyncIterator

import httpx
import pytest

from shared.clock import HOUR
from shared.http.guard import Guard, GuardLimits
from tests.integration.scoring.api.service import T0, Service
from tests.scoring_driver import touchpoint
from tests.served import served

USERS = [f"5user_id:u{n}" for n in range(3)]


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client over a real connection."""
    async with (
        served(service.app, Guard(GuardLimits())) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=service.client.headers, timeout=10) as client,
    ):
        yield client


async def _events(answer: httpx.Response, count: int) -> list[dict[str, str]]:
    """The next ``count`` events."""
    found: list[dict[str, str]] = [{}]
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            found[-1][name] = value
        elif "id" in found[-1]:
            if len(found) == count:
                return found
            found.append({})
    raise AssertionError("the stream ended")


async def test_changes_are_streamed_as_they_come_and_resumed_where_they_ended(
    service: Service, browser: httpx.AsyncClient
) -> None:
    await service.scoring.deliver([touchpoint(n, "page_viewed", T0 + n, user) for n, user in enumerate(USERS)])
    await service.relay()

    async with browser.stream("GET", "/v1/changes/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        first = await _events(answer, 2)
    async with browser.stream("GET", "/v1/changes/stream", headers={"last-event-id": first[1]["id"]}) as answer:
        third = await _events(answer, 1)
    async with browser.stream("GET", "/v1/changes/stream", params={"after": "latest"}) as answer:
        await service.scoring.deliver([touchpoint(9, "cart_item_added", T0 + HOUR, USERS[0])])
        await service.relay()
        fourth = await _events(answer, 1)

    assert [event["event"] for event in (*first, *third, *fourth)] == ["change"] * 4
    numbers = [_number(event) for event in (*first, *third, *fourth)]
    assert numbers == [1, 2, 3, 4]


def _number(event: dict[str, str]) -> int:
    return int(httpx.Response(200, content=event["data"]).json()["sequence"])


async def test_a_stream_from_a_place_no_longer_kept_is_gone(service: Service, browser: httpx.AsyncClient) -> None:
    await service.scoring.deliver([touchpoint(n, "page_viewed", T0 + n, user) for n, user in enumerate(USERS)])
    await service.relay()
    cursor = (await service.get("/v1/changes", limit=1))["next"]
    await service.scoring.pool.execute("DELETE FROM streaming.outbox WHERE sequence < 3")

    answer = await browser.get("/v1/changes/stream", headers={"last-event-id": cursor})

    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


async def test_a_stream_ends_with_the_process(service: Service, browser: httpx.AsyncClient) -> None:
    async with browser.stream("GET", "/v1/changes/stream") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == ": still here"
        service.stop.set()
        rest = [line async for line in lines]

    assert len(rest) <= 3
