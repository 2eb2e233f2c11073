"""What ``tragt leads show`` says of touchpoints that no rule counts."""

from typing import Any

from services.cli.leads import uncounted


def _step(step_id: str, *marks: str) -> dict[str, Any]:
    return {"id": step_id, "kind": "page_viewed", "occurred_at": "2026-11-20T09:14:03Z", "marks": list(marks)}


def test_what_counts_for_nothing_is_told_with_the_reason() -> None:
    told = uncounted([_step("1", "bot:googlebot"), _step("2"), _step("3", "machine:scanner", "own:address")])

    assert [(one["id"], one["why"]) for one in told] == [
        ("1", "a bot visited (bot:googlebot)"),
        ("3", "a program did it, no person (machine:scanner), own traffic by the workspace's policy (own:address)"),
    ]
