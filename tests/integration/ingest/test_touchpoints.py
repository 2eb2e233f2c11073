"""``POST /v1/touchpoints`` on a real log."""

from collections.abc import AsyncIterator

import pytest

from tests.ingest_door import OpenDoor, open_door


@pytest.fixture
async def door(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    async with open_door(database, admin_dsn) as opened:
        yield opened


async def test_touchpoint_is_on_the_log_when_it_is_answered(door: OpenDoor) -> None:
    answer = await door.post("/v1/touchpoints", {"kind": "page_viewed", "identity": {"anonymous_id": "a-1"}})

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
    assert touchpoint.keys == ("1anonymous_id:a-1",)
    assert touchpoint.workspace == str(door.keys.workspace.id)
