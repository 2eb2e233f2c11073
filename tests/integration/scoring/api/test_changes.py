"""The change feed: gap-free pages, waiting, starting over, streaming."""

import asyncio
import base64
from typing import Any

import asyncpg
import msgspec
import pytest

from shared.clock import DAY, HOUR, to_text
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import touchpoint
from tests.waiting import eventually

USERS = [f"5user_id:u{n}" for n in range(5)]


@pytest.fixture
async def five(service: Service) -> Service:
    """Five leads, each told once and numbered."""
    await service.scoring.deliver([touchpoint(n, "page_viewed", T0 + n, user) for n, user in enumerate(USERS)])
    await service.relay()
    return service


async def read_all(service: Service, after: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = await service.get("/v1/changes", limit=limit, **after)
        if not page["data"]:
            return found
        found += page["data"]
        after = {"after": page["next"]}


async def test_pages_hold_every_change_once_in_order_without_gaps(five: Service) -> None:
    for limit in (1, 2, 5, 100):
        found = await read_all(five, {}, limit)

        assert [one["sequence"] for one in found] == [1, 2, 3, 4, 5]
        assert sorted(one["lead_id"] for one in found) == sorted(id_of(user) for user in USERS)


async def test_a_change_says_what_was_what_is_and_why(service: Service) -> None:
    user = USERS[0]
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, user, campaign={"source": "google"})])
    await service.scoring.deliver([touchpoint(2, "cart_item_added", T0 + HOUR, user)])
    await service.relay()

    change = (await service.get("/v1/changes"))["data"][-1]

    assert (change["kind"], change["lead_id"], change["sequence"]) == ("became_mql", id_of(user), 2)
    assert (change["before"]["status"], change["after"]["status"]) == ("known", "mql")
    assert (change["at"], change["recorded_at"]) == (to_text(T0 + HOUR), to_text(T0 + 10 * DAY))
    assert change["cause"]["touchpoint_id"] == "t0002"
    assert [(move["axis"], move["to"], move["origin"]) for move in change["transitions"]["added"]] == [
        ("status", "mql", "known"),
        ("stage", "consideration", "awareness"),
    ]
    fact = change["facts"]["cycle:1"]
    assert (fact["steps"]["mql"], fact["dimensions"]["source"]) == (to_text(T0 + HOUR), "google")
    assert "workspace" not in change
    assert "shard" not in change


async def test_a_lead_that_became_part_of_another_names_it_and_a_part_of_one_does_not(service: Service) -> None:
    device, shared = "1anonymous_id:a1", "1anonymous_id:a2"
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, device),
            touchpoint(2, "page_viewed", T0, shared),
            touchpoint(3, "identified", T0 + HOUR, USERS[0], shared),
            touchpoint(4, "page_viewed", T0 + 2 * HOUR, USERS[1]),
        ]
    )
    await service.scoring.catch_up(T0)
    await service.relay()
    before = (await service.get("/v1/changes", after="latest"))["next"]

    await service.scoring.deliver([touchpoint(5, "identified", T0 + 3 * HOUR, USERS[1], device)])
    await service.scoring.deliver([touchpoint(6, "identified", T0 - HOUR, USERS[1], shared)])
    await service.scoring.catch_up(T0)
    await service.relay()

    told = (await service.get("/v1/changes", after=before))["data"]
    causes = {change["lead_id"]: (change["cause"]["merge"], change["cause"]["correction"]) for change in told}
    assert causes[id_of(device)] == (id_of(USERS[1]), None)
    assert causes[id_of(USERS[0])] == (None, "refolded")
    assert [change["after"] for change in told if change["lead_id"] == id_of(device)] == [None]
    assert (await service.get(f"/v1/leads/{id_of(device)}"))["lead_id"] == id_of(USERS[1])


async def test_only_numbered_changes_are_told(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, USERS[0])])

    before = await service.get("/v1/changes")
    await service.relay()
    after = await service.get("/v1/changes", after=before["next"])

    assert (before["data"], len(after["data"])) == ([], 1)


async def test_latest_is_what_comes_from_now_on(five: Service) -> None:
    start = await five.get("/v1/changes", after="latest")
    await five.scoring.deliver([touchpoint(9, "cart_item_added", T0 + HOUR, USERS[0])])
    await five.relay()

    found = await five.get("/v1/changes", after=start["next"])

    assert (start["data"], [one["sequence"] for one in found["data"]]) == ([], [6])


async def test_a_poll_waits_for_something_new(five: Service) -> None:
    start = await five.get("/v1/changes", after="latest")
    waiting = asyncio.create_task(five.get("/v1/changes", after=start["next"], wait=30))
    await five.scoring.deliver([touchpoint(9, "cart_item_added", T0 + HOUR, USERS[0])])

    await five.relay()

    async with asyncio.timeout(10):
        found = await waiting
    assert [one["sequence"] for one in found["data"]] == [6]


async def test_many_polls_wait_on_one_connection(five: Service, admin_dsn: str) -> None:
    start = await five.get("/v1/changes", after="latest")
    waiting = [asyncio.create_task(five.get("/v1/changes", after=start["next"], wait=30)) for _ in range(20)]
    admin = await asyncpg.connect(admin_dsn)

    async def idle() -> bool:
        open_ones = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tragt.scoring_reader'"
            " AND (state <> 'idle' OR query ILIKE 'listen%')"
        )
        return bool(open_ones == 1)

    await eventually(idle, within_seconds=10, what="only the listener is busy")
    await five.scoring.deliver([touchpoint(9, "cart_item_added", T0 + HOUR, USERS[0])])
    await five.relay()
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*waiting)
    assert [[one["sequence"] for one in answer["data"]] for answer in answers] == [[6]] * 20
    await admin.close()


async def test_a_poll_that_waits_in_vain_gives_the_same_cursor_and_304(five: Service) -> None:
    start = await five.client.get("/v1/changes", params={"after": "latest"})
    cursor = start.json()["next"]

    again = await five.client.get("/v1/changes", params={"after": cursor, "wait": 1})
    unchanged = await five.client.get(
        "/v1/changes", params={"after": cursor}, headers={"if-none-match": again.headers["etag"]}
    )

    assert again.json() == {"data": [], "next": cursor}
    assert unchanged.status_code == 304


async def test_a_cursor_older_than_what_is_kept_is_gone_and_says_how_to_start_over(
    five: Service, admin_dsn: str
) -> None:
    first = await five.get("/v1/changes", limit=1)
    third = await five.get("/v1/changes", limit=3)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("DELETE FROM streaming.outbox WHERE sequence <= 3")

    gone = await five.get("/v1/changes", 410, after=first["next"])
    kept = await five.get("/v1/changes", after=third["next"])
    whole = await five.get("/v1/changes")
    await admin.execute("DELETE FROM streaming.outbox")
    nothing_left = await five.get("/v1/changes", 410, after=third["next"])
    await admin.close()

    assert gone["code"] == nothing_left["code"] == "gone"
    assert "after=latest" in gone["detail"]
    assert [one["sequence"] for one in kept["data"]] == [4, 5]
    assert [one["sequence"] for one in whole["data"]] == [4, 5]


async def test_a_cursor_of_another_epoch_or_of_the_future_is_gone(five: Service) -> None:
    for position in ((2, 3), (1, 99)):
        cursor = _cursor("changes", position)
        assert (await five.get("/v1/changes", 410, after=cursor))["code"] == "gone"


async def test_a_cursor_that_is_none_is_refused(service: Service) -> None:
    for cursor in ("nonsense", _cursor("leads", (1, 1)), _cursor("changes", ("a", "b"))):
        await service.get("/v1/changes", 422, after=cursor)


def _cursor(name: str, position: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((name, position))).rstrip(b"=").decode()
