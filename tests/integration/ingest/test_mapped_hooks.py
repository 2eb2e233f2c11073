"""Hooks that bring their own document: tried, made, delivered to, replayed."""

import re
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import yaml

from tests.cli import tragt
from tests.ingest_door import OpenDoor

PAGE = Path("docs/connect/mapped-webhook.md").read_text()


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


DOCUMENT = yaml.safe_load(block("document"))
SAMPLE = block("sample")
ROOM_B = SAMPLE.replace('"room": "A"', '"room": "B"')
CHANGED = SAMPLE.replace("made", "moved")


async def post(door: OpenDoor, path: str, body: Any) -> httpx.Response:
    return await door.client.post(path, json=body, headers={"authorization": f"Bearer {door.keys.secret}"})


async def make(door: OpenDoor, **more: Any) -> httpx.Response:
    asked = {"provider": "mapped", "settings": {"document": DOCUMENT}, "sample": SAMPLE, **more}
    return await post(door, "/v1/hooks", asked)


async def test_a_document_is_tried_without_keeping_anything(door: OpenDoor) -> None:
    good = await post(door, "/v1/hooks/try", {"document": DOCUMENT, "sample": SAMPLE})
    bad = await post(door, "/v1/hooks/try", {"document": DOCUMENT, "sample": CHANGED})

    (one,) = good.json()["data"]
    assert (one["channel"], one["refused"]) == ("meeting", None)
    assert (one["touchpoint"]["kind"], one["touchpoint"]["id"]) == ("meeting_booked", "mapped.th_HOOK:17")
    assert one["touchpoint"]["identity"] == {"email": "ann@example.com", "phone": "+4561234567"}
    assert bad.json()["data"][0]["refused"]["code"] == "invalid_kind"
    assert (await door.touchpoints(), await door.rejections()) == ([], [])


async def test_trying_names_what_the_mapping_found_nowhere(door: OpenDoor) -> None:
    def changed(**parts: Any) -> Any:
        return {**DOCUMENT, "mapping": {**DOCUMENT["mapping"], **parts}}

    async def unfilled(document: Any, sample: str = SAMPLE) -> list[str]:
        answer = await post(door, "/v1/hooks/try", {"document": document, "sample": sample})
        found: list[str] = answer.json()["unfilled"]
        return found

    misspelt = {"email": "guest.email", "phone": "guest.phone"}
    whole = {"*": "guest", "table": "'7'"}

    assert await unfilled(DOCUMENT) == []
    assert await unfilled(changed(identity=misspelt, channel="meeting")) == ["/channel", "/identity/email"]
    assert await unfilled(changed(external={"shop": "guest.number", "till": "number"})) == ["/external/shop"]
    assert await unfilled(changed(value={"amount": "price", "currency": "'EUR'"})) == [
        "/value/amount",
        "/value/currency",
    ]
    assert await unfilled(changed(properties=whole, id="guest.number")) == ["/id"]
    assert await unfilled(changed(identity=misspelt), CHANGED) == []


@pytest.mark.parametrize("mode", ["warn", "reject"])
async def test_trying_tells_what_the_schema_in_force_would_say(door: OpenDoor, mode: str) -> None:
    asked = {"properties": {"properties": {"room": {"enum": ["B", "C"]}}}, "mode": mode}
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    put = await door.client.post("/v1/schemas/meeting_booked", json=asked, headers=headers)
    assert put.is_success, put.text
    await door.own.schemas.load()

    (one,) = (await post(door, "/v1/hooks/try", {"document": DOCUMENT, "sample": SAMPLE})).json()["data"]
    (fit,) = (await post(door, "/v1/hooks/try", {"document": DOCUMENT, "sample": ROOM_B})).json()["data"]

    told = {"pointer": "/properties/room", "detail": 'it is not one of "B" or "C"'}
    assert one["warnings"] == ([told] if mode == "warn" else [])
    assert (one["refused"] or {}).get("code") == (None if mode == "warn" else "schema_violation")
    assert (fit["warnings"], fit["refused"]) == ([], None)
    await door.own.schemas.tally.flush()
    assert (await door.client.get("/v1/schemas/meeting_booked", headers=headers)).json()["violations"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sample": None}, "/sample"),
        ({"sample": CHANGED}, "/sample"),
        ({"sample": "{}"}, "/sample"),
        ({"settings": {}}, "/settings/document"),
        ({"settings": {"document": {"mapping": {"kind": "]"}}}}, "/settings/document/mapping/kind"),
        ({"settings": {"document": {"maping": {}}}}, "/settings/document/maping"),
        ({"settings": {"document": {**DOCUMENT, "signature": "nobodys"}}}, "/settings/document/signature"),
        ({"settings": {"document": {**DOCUMENT, "complete": "meta"}}}, "/settings/document/complete"),
    ],
)
async def test_a_hook_that_does_not_take_its_sample_is_not_made(
    door: OpenDoor, change: dict[str, Any], pointer: str
) -> None:
    answer = await make(door, **change)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_delivery_becomes_a_touchpoint_once(door: OpenDoor) -> None:
    path = (await make(door, secrets={"header": "X-Token: abc"})).json()["path"]

    unknown = await door.client.post(path, content=SAMPLE)
    told = [await door.client.post(path, content=SAMPLE, headers={"x-token": "abc"}) for _ in range(2)]

    assert unknown.status_code == 401
    assert [answer.json() for answer in told] == [{"accepted": 1, "rejected": 0}] * 2
    ids = {one.id for one in await door.touchpoints()}
    assert len(ids) == 1
    assert re.fullmatch(r"mapped\.th_[0-9a-f]+:17", ids.pop())


async def test_a_refused_item_is_repaired_and_replayed_through_its_document(door: OpenDoor) -> None:
    path = (await make(door)).json()["path"]
    await door.client.post(path, content=CHANGED)
    assert await door.keep() == 1
    (kept,) = await door.rejections()
    headers = {"authorization": f"Bearer {door.keys.secret}"}

    item = msgspec.json.decode(kept.payload)
    await door.client.patch(f"/v1/rejected/{kept.id}", json={"payload": {**item, "state": "made"}}, headers=headers)
    again = await door.client.post(f"/v1/rejected/{kept.id}/replay", headers=headers)

    assert again.json()["accepted"] == 1
    assert [one.kind for one in await door.touchpoints()] == ["meeting_booked"]


async def test_a_hook_whose_mapping_a_later_version_takes_no_more_acknowledges_nothing(door: OpenDoor) -> None:
    path = (await make(door)).json()["path"]
    await door.client.post(path, content=CHANGED)
    assert await door.keep() == 1
    (kept,) = await door.rejections()
    broken = msgspec.json.encode({"document": {"mapping": {"kind": "no_such(@)"}}}).decode()
    connection = await asyncpg.connect(door.admin_dsn)
    await connection.execute("UPDATE ingest.hook SET settings = $1", broken)
    await connection.close()
    await door.own.hooks.load()
    headers = {"authorization": f"Bearer {door.keys.secret}"}

    told = await door.client.post(path, content=SAMPLE)
    again = await door.client.post(f"/v1/rejected/{kept.id}/replay", headers=headers)

    assert (told.status_code, "no_such" in told.text) == (503, True)
    assert again.json()["accepted"] == 0


def test_the_command_tries_a_document_without_anything_running(tmp_path: Path) -> None:
    document, sample, changed = tmp_path / "d.yaml", tmp_path / "s.json", tmp_path / "c.json"
    document.write_text(block("document"))
    sample.write_text(SAMPLE)
    changed.write_text(CHANGED)

    good, bad = (tragt("hooks", "try", str(document), str(file)) for file in (sample, changed))

    assert (good.code, good.out.startswith("taken\n")) == (0, True)
    assert '"kind": "meeting_booked"' in good.out
    assert (bad.code, "refused: invalid_kind /kind" in bad.out) == (1, True)
