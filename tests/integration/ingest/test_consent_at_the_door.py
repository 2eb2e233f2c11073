"""Who denies analytics leaves nothing but the decision, also where it cannot be read or the item is refused."""

from typing import Any

import pytest

from tests.ingest_door import OpenDoor

_TOLD = {
    "identity": {"anonymous_id": "a"},
    "page": {"url": "https://shop.example/secret"},
    "properties": {"secret": 1},
    "context": {"locale": "da-DK"},
}
_DECISION = {"id": "d", "kind": "consent_updated", "consent": {"analytics": "denied"}, **_TOLD}


async def _kept(door: OpenDoor) -> list[dict[str, Any]]:
    await door.keep()
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    listed = (await door.client.get("/v1/rejected", headers=headers)).json()["data"]
    return [(await door.client.get(f"/v1/rejected/{one['id']}", headers=headers)).json() for one in listed]


@pytest.mark.parametrize("word", ["denied", "DENIED", False])
async def test_decision_to_deny_goes_on_without_its_content(door: OpenDoor, word: Any) -> None:
    answer = await door.post("/v1/touchpoints", {**_DECISION, "consent": {"analytics": word}})

    (touchpoint,) = await door.touchpoints()
    assert answer.json()["accepted"] == 1
    assert (touchpoint.id, touchpoint.keys, touchpoint.consent) == ("d", ("1anonymous_id:a",), {"analytics": "denied"})
    assert (touchpoint.page, touchpoint.language, touchpoint.channel_rule) == (None, None, "direct")
    assert {bytes(raw) for raw in (touchpoint.identity, touchpoint.properties, touchpoint.context)} == {b"{}"}


@pytest.mark.parametrize("word", ["DENIED", False, "denied"])
async def test_anything_else_that_denies_is_withheld(door: OpenDoor, word: Any) -> None:
    answer = await door.post("/v1/touchpoints", {**_DECISION, "kind": "page_viewed", "consent": {"analytics": word}})

    assert (answer.status_code, answer.json()["rejected"][0]["code"]) == (200, "consent_denied")
    assert (await door.touchpoints(), await _kept(door)) == ([], [])


async def test_what_denies_is_withheld_whatever_else_is_wrong_with_it(door: OpenDoor) -> None:
    answer = await door.post("/v1/touchpoints", {**_DECISION, "kind": "Bad Kind"})

    assert (answer.status_code, answer.json()["rejected"][0]["code"]) == (200, "consent_denied")
    assert (await door.touchpoints(), await _kept(door)) == ([], [])


async def test_word_that_cannot_be_read_is_mended_without_the_content_it_came_with(door: OpenDoor) -> None:
    answer = await door.post("/v1/touchpoints", {**_DECISION, "consent": {"analytics": "no"}})
    (kept,) = await _kept(door)
    patch = {"filter": {"code": "unknown_value"}, "patch": {"consent": {"analytics": "denied"}}}
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    fixed = await door.client.post("/v1/rejected/fix", json=patch, headers=headers)

    (touchpoint,) = await door.touchpoints()
    assert (answer.json()["rejected"][0]["pointer"], kept["pointer"]) == ("/consent/analytics",) * 2
    assert "secret" not in kept["payload"]
    assert fixed.json()["accepted"] == 1
    assert (touchpoint.kind, touchpoint.keys, touchpoint.consent) == (
        "consent_updated",
        ("1anonymous_id:a",),
        {"analytics": "denied"},
    )


async def test_decision_that_is_repaired_goes_on_without_what_the_repair_puts_in(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {**_DECISION, "occurred_at": "yesterday"})
    await _kept(door)
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    await door.client.patch("/v1/rejected/d", json={"payload": _DECISION}, headers=headers)
    replayed = await door.client.post("/v1/rejected/d/replay", headers=headers)

    (touchpoint,) = await door.touchpoints()
    assert (replayed.json()["accepted"], touchpoint.page, bytes(touchpoint.properties)) == (1, None, b"{}")


async def test_what_a_repair_makes_a_denial_is_not_kept_when_it_is_refused_again(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {**_TOLD, "id": "d", "kind": "Bad Kind"})
    (before,) = await _kept(door)
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    payload = {**_DECISION, "kind": "Bad Kind"}
    await door.client.patch("/v1/rejected/d", json={"payload": payload}, headers=headers)
    replayed = await door.client.post("/v1/rejected/d/replay", headers=headers)

    (after,) = await _kept(door)
    assert replayed.json()["refused"][0]["code"] == "consent_denied"
    assert ("secret" in before["payload"], after["payload"]) == (True, "")
