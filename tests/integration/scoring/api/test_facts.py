"""Facts as metrics reads them."""

from typing import Any

import msgspec

from shared.clock import DAY
from tests.integration.scoring.api.service import T0, Service
from tests.scoring_driver import touchpoint


async def read_all(service: Service, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await service.get("/v1/facts", limit=limit, **after)
        found += page["data"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_facts_are_what_a_reader_of_all_changes_holds_in_the_order_of_their_keys(service: Service) -> None:
    for n in range(6):
        user = f"5user_id:u{n}"
        await service.scoring.deliver(
            [
                touchpoint(100 * n + i, kind, T0 + i * DAY, user)
                for i, kind in enumerate(["subscription_started", "subscription_cancelled"] * (6 * n))
                for _ in [0]
            ]
            or [touchpoint(n, "page_viewed", T0, user)]
        )
    held = await service.scoring.facts()

    for limit in (1, 7, 5_000):
        told = await read_all(service, limit)

        assert {(one["lead_id"], one["fact_key"]): one["fact"] for one in told} == {
            place: msgspec.to_builtins(fact) for place, fact in held.items()
        }
        places = [(one["lead_id"], one["fact_key"]) for one in told]
        assert places == sorted(places)


async def test_leads_that_are_behind_are_counted(service: Service) -> None:
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0 + DAY, "5user_id:u1")])
    await service.scoring.deliver([touchpoint(2, "page_viewed", T0, "5user_id:u1")])

    behind = await service.get("/v1/facts")
    await service.scoring.catch_up(T0)
    caught_up = await service.get("/v1/facts")

    assert (behind["stale_leads"], caught_up["stale_leads"]) == (1, 0)
    assert caught_up["data"][0]["version"] > behind["data"][0]["version"]
