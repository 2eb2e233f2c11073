"""What ``tragt leads`` says of a lead's touchpoints and keys."""

from typing import Any

import pytest

from services.cli.leads import best_key, step_row, uncounted


def _step(step_id: str, *marks: str) -> dict[str, Any]:
    return {"id": step_id, "kind": "page_viewed", "occurred_at": "2026-11-20T09:14:03Z", "marks": list(marks)}


def test_what_counts_for_nothing_is_told_with_the_reason() -> None:
    told = uncounted([_step("1", "bot:googlebot"), _step("2"), _step("3", "machine:scanner", "own:address")])

    assert [(one["id"], one["why"]) for one in told] == [
        ("1", "a bot visited (bot:googlebot)"),
        ("3", "a program did it, no person (machine:scanner), own traffic by the workspace's policy (own:address)"),
    ]


def test_a_touchpoint_is_one_line() -> None:
    step = {
        **_step("1"),
        "channel": "ads",
        "protocol": "native",
        "campaign": {"source": "google", "medium": None, "name": "brand"},
        "page": {"url": "https://shop.example/pricing", "path": "/pricing"},
        "value": {"amount": "129.00", "currency": "EUR"},
    }

    assert step_row(step) == {
        "occurred_at": "2026-11-20T09:14:03Z",
        "kind": "page_viewed",
        "channel": "ads",
        "campaign": "google / brand",
        "page": "/pricing",
        "value": "129.00 EUR",
        "protocol": "native",
    }


def test_a_touchpoint_without_campaign_page_and_value_leaves_them_empty() -> None:
    row = step_row(
        {**_step("1"), "channel": "web", "protocol": "native", "campaign": None, "page": None, "value": None}
    )

    assert (row["campaign"], row["page"], row["value"]) == ("", "", "")


@pytest.mark.parametrize(
    ("identities", "told"),
    [
        ([("user_id", "u-1"), ("email", "ann@example.com")], "email:ann@example.com"),
        ([("user_id", "u-1"), ("email", None)], "user_id:u-1"),
        ([("email", None)], ""),
        ([], ""),
    ],
)
def test_people_know_a_lead_by_its_address(identities: list[tuple[str, str | None]], told: str) -> None:
    assert best_key([{"type": kind, "value": value} for kind, value in identities]) == told
