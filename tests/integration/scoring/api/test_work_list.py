"""Work lists."""

from typing import Any

import pytest

from shared.clock import DAY, SECOND, to_text
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import touchpoint

USERS = [f"5user_id:u{n}" for n in range(7)]


@pytest.fixture
async def seven(service: Service) -> Service:
    """Seven leads, one a second; the odd ones came by mail and the fourth is an MQL."""
    for n, user in enumerate(USERS):
        kind = "cart_item_added" if n == 3 else "page_viewed"
        await service.scoring.deliver([touchpoint(n, kind, T0, user, channel="email" if n % 2 else "web")])
        service.clock.advance(SECOND)
    return service


def ids(answer: dict[str, Any]) -> list[str]:
    return [lead["lead_id"] for lead in answer["data"]]


async def test_leads_come_newest_change_first_or_last(seven: Service) -> None:
    newest, oldest = await seven.get("/v1/leads"), await seven.get("/v1/leads", order="oldest")

    assert ids(newest) == [id_of(user) for user in reversed(USERS)]
    assert ids(oldest) == [id_of(user) for user in USERS]
    assert newest["next"] is None


async def test_pages_hold_every_lead_once(seven: Service) -> None:
    for order in ("newest", "oldest"):
        found: list[str] = []
        after: dict[str, Any] = {}
        while True:
            page = await seven.get("/v1/leads", order=order, limit=3, **after)
            found += ids(page)
            if page["next"] is None:
                break
            after = {"after": page["next"]}

        assert found == ids(await seven.get("/v1/leads", order=order))
        assert sorted(found) == sorted(id_of(user) for user in USERS)


async def test_filters_narrow_the_list(seven: Service) -> None:
    wanted: list[tuple[dict[str, Any], list[int]]] = [
        ({"status": "mql"}, [3]),
        ({"stage": "consideration"}, [3]),
        ({"channel": "email"}, [1, 3, 5]),
        ({"channel": "email", "status": "known"}, [1, 5]),
        ({"updated_since": to_text(T0 + 10 * DAY + 4 * SECOND)}, [4, 5, 6]),
        ({"status": "customer"}, []),
    ]

    for filters, users in wanted:
        assert ids(await seven.get("/v1/leads", order="oldest", **filters)) == [id_of(USERS[n]) for n in users]


async def test_a_row_is_the_lead_as_its_own_address_shows_it(seven: Service) -> None:
    listed = await seven.get("/v1/leads", status="mql")

    assert listed["data"] == [await seven.get(f"/v1/leads/{id_of(USERS[3])}")]


async def test_leads_are_found_by_many_ids_at_once(seven: Service) -> None:
    await seven.scoring.deliver([touchpoint(9, "identified", T0 + DAY, USERS[0], "1anonymous_id:a1")])
    wanted = [id_of(USERS[5]), id_of("1anonymous_id:a1"), id_of("1anonymous_id:never"), id_of(USERS[2])]

    found = await seven.get("/v1/leads", id=wanted)

    assert ids(found) == [id_of(USERS[5]), id_of(USERS[0]), id_of(USERS[2])]
    assert [lead["merged_into"] for lead in found["data"]] == [None, id_of(USERS[0]), None]


async def test_filters_that_do_not_exist_are_refused_by_name(service: Service) -> None:
    for name in ("grade", "owner", "segment", "statu"):
        problem = await service.get("/v1/leads", 422, **{name: "x"})
        assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(name, "unknown_parameter")]
        assert name != "statu" or "did you mean status" in problem["errors"][0]["detail"]


async def test_what_cannot_be_meant_is_refused(service: Service) -> None:
    for name, value in (("limit", 0), ("limit", 501), ("after", "x"), ("status", "hot"), ("order", "up"), ("id", "x")):
        problem = await service.get("/v1/leads", 422, **{name: value})
        assert problem["errors"][0]["pointer"].startswith(name)


async def test_a_cursor_of_another_list_is_refused(seven: Service) -> None:
    page = await seven.get(f"/v1/leads/{id_of(USERS[0])}/touchpoints", limit=1)

    await seven.get("/v1/leads", 422, after=page["next"])
