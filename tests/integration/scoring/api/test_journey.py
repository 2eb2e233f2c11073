"""How a lead got where it is: intervals, points, touchpoints."""

from typing import Any

import pytest

from shared.clock import DAY, HOUR, to_text
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import touchpoint

A1, U1 = "1anonymous_id:a1", "5user_id:u1"
PRICING = {"page": {"path": "/pricing"}}


@pytest.fixture
async def bought(service: Service) -> Service:
    """A visitor who became known, put something into the cart, bought, and wrote in between."""
    await service.scoring.deliver(
        [
            touchpoint(1, "page_viewed", T0, A1, **PRICING),
            touchpoint(2, "page_viewed", T0 + HOUR, A1, **PRICING),
            touchpoint(3, "page_viewed", T0 + 2 * HOUR, A1, **PRICING),
            touchpoint(4, "identified", T0 + DAY, U1, A1, traits={"seniority": "vp", "employees": 80}),
            touchpoint(5, "cart_item_added", T0 + 2 * DAY, A1),
            touchpoint(6, "order_completed", T0 + 3 * DAY, U1, value={"amount": "9.50", "currency": "EUR"}),
        ]
    )
    await service.scoring.catch_up(T0)
    return service


async def test_history_tells_where_it_stood_and_why(bought: Service) -> None:
    history = await bought.get(f"/v1/leads/{id_of(U1)}/history")

    assert [
        (one["value"], one["since"], one["until"], one["implied"], one["cause"]["touchpoint_id"])
        for one in history["data"]
        if one["axis"] == "status"
    ] == [
        ("anonymous", to_text(T0), to_text(T0 + DAY), False, "t0001"),
        ("known", to_text(T0 + DAY), to_text(T0 + 2 * DAY), False, "t0004"),
        ("mql", to_text(T0 + 2 * DAY), to_text(T0 + 3 * DAY), False, "t0005"),
        ("sal", to_text(T0 + 3 * DAY), to_text(T0 + 3 * DAY), True, "t0006"),
        ("sql", to_text(T0 + 3 * DAY), to_text(T0 + 3 * DAY), True, "t0006"),
        ("opportunity", to_text(T0 + 3 * DAY), to_text(T0 + 3 * DAY), True, "t0006"),
        ("customer", to_text(T0 + 3 * DAY), None, False, "t0006"),
    ]
    assert [one["value"] for one in history["data"] if one["axis"] == "stage"][-1] == "action"
    assert history["lead_id"] == id_of(U1)


def _sum(ledger: dict[str, Any], axis: str) -> float:
    return sum(float(line["value"]) for line in ledger["data"] if line["axis"] == axis)


async def test_the_lines_of_the_ledger_sum_to_the_score(bought: Service) -> None:
    for days in (0, 1, 2, 5, 10):
        as_of = to_text(T0 + days * DAY)

        ledger = await bought.get(f"/v1/leads/{id_of(U1)}/ledger", as_of=as_of)
        lead = await bought.get(f"/v1/leads/{id_of(U1)}", as_of=as_of)

        assert ledger["score"] == {"engagement": lead["score"]["engagement"], "fit": lead["score"]["fit"]}
        assert _sum(ledger, "engagement") == pytest.approx(ledger["score"]["engagement"], abs=1e-6)
        assert _sum(ledger, "fit") == ledger["score"]["fit"]


async def test_the_ledger_names_rules_touchpoints_and_caps(bought: Service) -> None:
    ledger = await bought.get(f"/v1/leads/{id_of(U1)}/ledger")

    given = [(line["rule"], line["touchpoint_id"], line["points"]) for line in ledger["data"] if line["at"]]
    assert given == [
        ("page_viewed", "t0001", 1),
        ("pricing_viewed", "t0001", 8),
        ("page_viewed", "t0002", 1),
        ("pricing_viewed", "t0002", 8),
        ("page_viewed", "t0003", 1),
        ("cart_item_added", "t0005", 15),
    ]
    assert [line["rule"] for line in ledger["data"] if line["axis"] == "fit"] == ["seniority", "company_size"]


async def test_a_capped_group_has_a_line_for_what_the_cap_takes(service: Service) -> None:
    await service.scoring.deliver(
        [touchpoint(n, "cart_item_added", T0 + 9 * DAY + n * DAY // 5, U1) for n in range(5)]
        + [touchpoint(10 + n, "page_viewed", T0 + 9 * DAY + n * HOUR, U1, **PRICING) for n in range(20)]
    )
    service.clock.advance(DAY)
    await service.scoring.deliver([touchpoint(90, "cart_item_added", T0 + 10 * DAY + 23 * HOUR, U1)])

    ledger = await service.get(f"/v1/leads/{id_of(U1)}/ledger")

    assert [line["rule"] for line in ledger["data"]][-1] == "limit"
    assert ledger["score"]["engagement"] == 40
    assert _sum(ledger, "engagement") == pytest.approx(40, abs=1e-6)


async def test_the_journey_is_in_order_over_all_pieces(bought: Service) -> None:
    for order, ids in (("oldest", "123456"), ("newest", "654321")):
        for limit in (1, 4, 6, 50):
            found: list[str] = []
            after: dict[str, Any] = {}
            while True:
                page = await bought.get(f"/v1/leads/{id_of(U1)}/touchpoints", order=order, limit=limit, **after)
                found += [step["id"] for step in page["data"]]
                if page["next"] is None:
                    break
                after = {"after": page["next"]}

            assert found == [f"t000{n}" for n in ids]


async def test_a_step_shows_what_was_said(bought: Service) -> None:
    page = await bought.get(f"/v1/leads/{id_of(A1)}/touchpoints", limit=3)

    order, cart, identified = page["data"]
    assert page["lead_id"] == id_of(U1)
    assert (order["value"], order["recorded_at"]) == ({"amount": "9.50", "currency": "EUR"}, to_text(T0 + 10 * DAY))
    assert (cart["kind"], cart["channel"], cart["page"]) == ("cart_item_added", "web", None)
    assert identified["traits"] == {"seniority": "vp", "employees": 80}


async def test_touchpoints_show_what_was_found_of_where_they_came_from(service: Service) -> None:
    found = {
        "channel_rule": "organic_search",
        "browser": "Firefox",
        "os": "Linux",
        "language": "da",
        "marks": ["bot:googlebot"],
        "consent": {"marketing": "denied"},
    }
    await service.scoring.deliver([touchpoint(1, "page_viewed", T0, A1, **found), touchpoint(2, "page_viewed", T0, A1)])

    journey = await service.get(f"/v1/leads/{id_of(A1)}/touchpoints")

    shown = {one["id"]: one for one in journey["data"]}
    assert {name: shown["t0001"][name] for name in found} == found
    assert (shown["t0002"]["channel_rule"], shown["t0002"]["marks"], shown["t0002"]["consent"]) == (None, [], {})
