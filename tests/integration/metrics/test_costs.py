"""``/v1/costs`` on a real database."""

from typing import Any

import msgspec
import pytest

from services.metrics.api import examples
from shared.access import Scope
from tests.integration.metrics.conftest import Desk, make_key


def row(**said: Any) -> dict[str, Any]:
    """A cost of one ad."""
    usual = {
        "date": "2026-11-25",
        "source": "google",
        "account_id": "1",
        "campaign_id": "77",
        "campaign_name": "Autumn",
        "adgroup_id": "5",
        "ad_id": "9",
        "currency": "EUR",
        "cost": "12.34",
        "impressions": 1000,
        "clicks": 50,
        "conversions": "2.5",
    }
    return usual | said


async def post(desk: Desk, *rows: Any, key: str = "") -> dict[str, Any]:
    """The answer to these rows."""
    header = {"authorization": f"Bearer {key}"} if key else desk.bearer
    response = await desk.client.post("/v1/costs", json={"costs": rows}, headers=header)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def sums(desk: Desk, by: str = "", **parameters: str) -> list[tuple[Any, ...]]:
    """The groups of November as values of the key, currency and cost."""
    answer = await desk.get("/v1/costs", **{"from": "2026-11-01", "to": "2026-12-01", "by": by} | parameters)
    return [(*group["key"].values(), group["currency"], group["cost"]) for group in answer["groups"]]


async def test_the_same_rows_twice_change_nothing(desk: Desk) -> None:
    rows = [row(), row(ad_id="10", cost=0.1), row(date="2026-11-26")]

    first, again = await post(desk, *rows), await post(desk, *reversed(rows))

    assert first == {"received": 3, "changed": 3, "unchanged": 0, "refused": []}
    assert again == {"received": 3, "changed": 0, "unchanged": 3, "refused": []}
    assert await sums(desk) == [("EUR", "24.78")]


async def test_equal_amounts_written_otherwise_are_equal(desk: Desk) -> None:
    await post(desk, row(cost="12.30", conversions=2))

    assert (await post(desk, row(cost=12.3, conversions="2.000", impressions="1000", channel="ads")))["unchanged"] == 1


async def test_zeros_behind_the_last_decimal_are_not_kept_however_many(desk: Desk) -> None:
    costs = (b"0e-99999", b"0." + b"0" * 400, b"1.5" + b"0" * 30)
    rows = [msgspec.json.encode(row(ad_id=str(at), cost=msgspec.Raw(cost))) for at, cost in enumerate(costs)]

    answer = await desk.client.post("/v1/costs", content=b'{"costs":[%s]}' % b",".join(rows), headers=desk.bearer)

    assert (answer.status_code, answer.json()["changed"]) == (200, 3)
    assert await sums(desk) == [("EUR", "1.5")]


@pytest.mark.parametrize(
    "said",
    [{"cost": "12.35"}, {"currency": "DKK"}, {"campaign_name": "Winter"}, {"clicks": 51}, {"channel": "social"}],
    ids=str,
)
async def test_a_corrected_row_replaces_the_earlier_one(desk: Desk, said: dict[str, Any]) -> None:
    await post(desk, row(), row(ad_id="10"))

    answer = await post(desk, row(**said), row(ad_id="10"))

    groups = (await desk.get("/v1/costs", **{"from": "2026-11-25", "to": "2026-11-26"}))["groups"]
    assert (answer["changed"], answer["unchanged"]) == (1, 1)
    assert sum(group["impressions"] for group in groups) == 2_000
    async with desk.own.pool.acquire() as connection:
        (kept,) = await connection.fetch("SELECT * FROM metrics.cost WHERE ad_id = '9'")
    name, value = next(iter(said.items()))
    assert str(kept[name]) == str(value)


async def test_sums_are_exact_by_group_and_never_across_currencies(desk: Desk) -> None:
    await post(
        desk,
        *(row(ad_id=str(ad), cost="0.1") for ad in range(10)),
        row(source="facebook", campaign_id="8", cost="5"),
        row(source="facebook", campaign_id="8", account_id="2", currency="USD", cost="0.000001"),
        row(date="2026-11-30", campaign_name="Autumn, late", cost=4, impressions=0),
        row(date="2026-12-01", cost="99"),
        row(date="2026-10-31", cost="99"),
    )

    assert await sums(desk) == [("EUR", "10"), ("USD", "0.000001")]
    assert await sums(desk, currency="USD") == [("USD", "0.000001")]
    assert await sums(desk, by="source,day") == [
        ("facebook", "2026-11-25", "EUR", "5"),
        ("facebook", "2026-11-25", "USD", "0.000001"),
        ("google", "2026-11-25", "EUR", "1"),
        ("google", "2026-11-30", "EUR", "4"),
    ]
    by_campaign = await desk.get(
        "/v1/costs", **{"from": "2026-11-01", "to": "2026-12-01", "by": "campaign", "currency": "EUR"}
    )
    assert by_campaign["groups"][0] == {
        "key": {"campaign": "77"},
        "campaign_name": "Autumn, late",
        "currency": "EUR",
        "cost": "5",
        "impressions": 10_000,
        "clicks": 550,
        "conversions": "27.5",
    }


@pytest.mark.parametrize(
    ("bad", "code", "pointer"),
    [
        ("x", "not_an_object", ""),
        (row(spend=3), "unknown_value", "/spend"),
        (row(date=None), "missing", "/date"),
        (row(cost=""), "missing", "/cost"),
        (row(date="2026-02-30"), "invalid_instant", "/date"),
        (row(date="20261125"), "invalid_instant", "/date"),
        (row(date="1969-12-31"), "invalid_instant", "/date"),
        (row(currency="eur"), "unknown_value", "/currency"),
        (row(channel="billboard"), "unknown_value", "/channel"),
        (row(campaign_id=77), "wrong_type", "/campaign_id"),
        (row(campaign_id="a\0"), "invalid_text", "/campaign_id"),
        (row(ad_id="é" * 251), "too_long", "/ad_id"),
        (row(cost="1,5"), "wrong_type", "/cost"),
        (row(cost="NaN"), "wrong_type", "/cost"),
        (row(cost=True), "wrong_type", "/cost"),
        (row(cost=-1), "out_of_range", "/cost"),
        (row(cost=1e300), "out_of_range", "/cost"),
        (row(cost="0.0000000001"), "out_of_range", "/cost"),
        (row(clicks=1.5), "out_of_range", "/clicks"),
        (row(cost="99"), "repeated", ""),
    ],
    ids=str,
)
async def test_a_bad_row_is_refused_alone(desk: Desk, bad: Any, code: str, pointer: str) -> None:
    answer = await post(desk, row(), bad, row(ad_id="10"))

    (refused,) = answer.pop("refused")
    assert answer == {"received": 3, "changed": 2, "unchanged": 0}
    assert (refused["index"], refused["code"], refused["pointer"]) == (1, code, pointer)
    assert refused["detail"]
    assert await sums(desk) == [("EUR", "24.68")]


async def test_the_longest_key_fits_its_index(desk: Desk) -> None:
    names = ("source", "account_id", "campaign_id", "adgroup_id", "ad_id")
    longest = {
        name: "".join(chr(0x4E00 + (at * 7919 * (place + 1)) % 20_000) for at in range(166))
        for place, name in enumerate(names)
    }

    assert (await post(desk, row(**longest)))["changed"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"costs":{}}', b'{"costs":[],"more":1}', b"[" * 9_999])
async def test_a_body_of_another_form_is_refused_whole(desk: Desk, body: bytes) -> None:
    assert (await desk.client.post("/v1/costs", content=body, headers=desk.bearer)).status_code == 422


async def test_too_many_rows_are_refused_whole(desk: Desk) -> None:
    response = await desk.client.post("/v1/costs", json={"costs": [1] * 10_001}, headers=desk.bearer)

    assert response.json()["errors"][0]["code"] == "too_many_items"


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"by": "colour"}, "by"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-11-25", "to": "2026-11-25"}, "from"),
        ({"grouped": "day"}, "grouped"),
    ],
    ids=str,
)
async def test_a_question_that_cannot_be_answered_names_what_is_wrong(
    desk: Desk, parameters: dict[str, str], pointer: str
) -> None:
    response = await desk.client.get("/v1/costs", params=parameters, headers=desk.bearer)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_workspaces_do_not_see_nor_change_each_others_costs(desk: Desk) -> None:
    _, key = await make_key(desk.dsn, "second", list(Scope))
    await desk.reach.access.load()
    await post(desk, row())

    assert (await post(desk, row(cost="99"), key=key))["changed"] == 1

    theirs = await desk.client.get(
        "/v1/costs", params={"from": "2026-11-01", "to": "2026-12-01"}, headers={"authorization": f"Bearer {key}"}
    )
    assert await sums(desk) == [("EUR", "12.34")]
    assert [group["cost"] for group in theirs.json()["groups"]] == ["99"]


async def test_reading_is_for_metrics_and_writing_for_administrators(desk: Desk) -> None:
    _, key = await make_key(desk.dsn, "first", [Scope.METRICS_READ])
    await desk.reach.access.load()
    header = {"authorization": f"Bearer {key}"}

    answers = [
        (await desk.client.get("/v1/costs", headers=header)).status_code,
        (await desk.client.post("/v1/costs", json={"costs": []}, headers=header)).status_code,
        (await desk.client.post("/v1/costs", json={"costs": []})).status_code,
        (await desk.client.get("/v1/costs")).status_code,
    ]

    assert answers == [200, 403, 401, 401]


async def test_the_examples_of_the_documentation_have_the_shape_of_answers(desk: Desk) -> None:
    taken = await post(desk, row(), "x")
    answer = await desk.get("/v1/costs", **{"from": "2026-11-01", "to": "2026-12-01", "by": "source"})

    for found, example in ((taken, examples.COSTS_TAKEN), (answer, examples.COSTS)):
        shown = msgspec.to_builtins(example)
        assert found.keys() == shown.keys()
    assert answer["groups"][0].keys() == msgspec.to_builtins(examples.COSTS)["groups"][0].keys()
    assert taken["refused"][0].keys() == msgspec.to_builtins(examples.COSTS_TAKEN)["refused"][0].keys()
    assert answer["meta"]["source"] == "costs"
