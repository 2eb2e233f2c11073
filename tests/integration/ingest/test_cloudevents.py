"""CloudEvents on a real log."""

from typing import Any

import msgspec
import pytest

from services.ingest.api.cloudevents import EXAMPLE, PATH
from tests.ingest_door import OpenDoor

_STRUCTURED = "application/cloudevents+json; charset=utf-8"
_BATCH = "application/cloudevents-batch+json"
_CE = {
    "ce-specversion": "1.0",
    "ce-id": "A-1",
    "ce-source": "/web/site",
    "ce-type": "com.acme.demo_requested",
    "content-type": "application/json",
}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_same_event_in_three_ways_is_one(door: OpenDoor, slash: str) -> None:
    path = f"{PATH}{slash}"
    binary = {**_CE, "authorization": f"Bearer {door.keys.write}"}

    answers = [
        await door.post(path, EXAMPLE, content_type=_STRUCTURED),
        await door.post(path, [EXAMPLE], content_type=_BATCH),
        await door.client.post(path, content=b'{"email":"jane@example.com"}', headers=binary),
    ]

    assert [(one.status_code, one.json()) for one in answers] == [(200, {"accepted": 1, "rejected": []})] * 3
    assert len({one.id for one in await door.touchpoints()}) == 1


async def test_key_may_stand_where_webhooks_put_it(door: OpenDoor) -> None:
    path = f"{PATH}?access_token={door.keys.secret}"

    assert (await door.post(path, EXAMPLE, content_type=_STRUCTURED, authorization="")).status_code == 200
    assert (await door.post(PATH, EXAMPLE, content_type=_STRUCTURED, authorization="")).status_code == 401


async def test_refused_event_is_told_and_kept_and_can_be_taken_again(door: OpenDoor) -> None:
    bad = {**EXAMPLE, "id": "A-2", "data": {}}

    mixed = await door.post(PATH, [EXAMPLE, bad], content_type=_BATCH)
    none = await door.post(PATH, bad, content_type=_STRUCTURED)

    assert (mixed.status_code, mixed.json()["accepted"]) == (200, 1)
    assert (mixed.json()["rejected"][0]["index"], mixed.json()["rejected"][0]["code"]) == (1, "no_identity")
    assert none.status_code == 422
    await door.keep()
    first, second = await door.rejections()
    assert (first.id, first.protocol) == (second.id, "cloudevents")
    secret = {"authorization": f"Bearer {door.keys.secret}"}
    await door.client.patch(f"/v1/rejected/{first.id}", json={"payload": EXAMPLE}, headers=secret)
    replayed = await door.client.post(f"/v1/rejected/{first.id}/replay", headers=secret)
    assert replayed.json() == {"accepted": 1, "refused": []}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (_BATCH, [], 200),
        (_BATCH, {}, 422),
        ("application/cloudevents+avro", b"x", 415),
        ("application/cloudevents-batch+protobuf", b"x", 415),
        ("application/json", {"user_id": "u"}, 422),
    ],
)
async def test_answer_is_that_of_the_specification(door: OpenDoor, content_type: str, body: Any, status: int) -> None:
    answer = await door.post(PATH, body, content_type=content_type, origin="https://shop.example")

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_binary_header_that_is_no_text_is_kept(door: OpenDoor) -> None:
    headers = {**_CE, "ce-subject": "%C0%A0", "authorization": f"Bearer {door.keys.write}"}

    answer = await door.client.post(PATH, content=b'{"user_id":"u"}', headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/subject")
    (kept,) = await door.rejections()
    assert msgspec.json.decode(kept.payload)["data"] == {"user_id": "u"}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_webhook_is_allowed_before_it_delivers(door: OpenDoor, slash: str) -> None:
    headers = {"webhook-request-origin": "sender.example", "webhook-request-rate": "120"}

    answer = await door.client.options(f"{PATH}{slash}", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "sender.example"
    assert answer.headers["webhook-allowed-rate"] == "*"
    assert answer.headers["allow"] == "POST"


async def test_preflight_of_a_browser_is_no_handshake(door: OpenDoor) -> None:
    headers = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "webhook-request-origin": "sender.example",
    }

    answer = await door.client.options(PATH, headers=headers)

    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "webhook-allowed-origin" not in answer.headers
