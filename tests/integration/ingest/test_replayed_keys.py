"""What a worker refused and a person gave other keys is replayed as the door would have sent it."""

from typing import Any

import asyncpg
import pytest

from shared.contracts.codec import decode_touchpoint
from shared.contracts.topics import TOPICS, partition_for
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import is_canonical
from shared.vocabulary import TopicName
from tests.ingest_door import OpenDoor, refused_by_a_worker, tell_refused


async def _refused_by_a_worker(door: OpenDoor) -> Touchpoint:
    await door.post("/v1/touchpoints", {"id": "t", "kind": "x_done", "identity": {"user_id": "u"}})
    (touchpoint,) = await door.touchpoints()
    await tell_refused(door, refused_by_a_worker(touchpoint))
    return touchpoint


async def _fix(door: OpenDoor, patch: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    answer = await door.client.post("/v1/rejected/fix", json={"filter": {}, "patch": patch}, headers=headers)
    fixed: dict[str, Any] = answer.json()
    return fixed


async def _by_partition(door: OpenDoor) -> dict[int, Touchpoint]:
    connection = await asyncpg.connect(door.admin_dsn)
    try:
        rows = await connection.fetch(
            "SELECT r.partition, r.value FROM streaming.record r JOIN streaming.topic t ON t.id = r.topic_id "
            "WHERE t.name = $1",
            TopicName.TOUCHPOINTS,
        )
    finally:
        await connection.close()
    return {row["partition"]: decode_touchpoint(row["value"]) for row in rows}


async def test_other_keys_have_the_partition_that_the_door_chooses(door: OpenDoor) -> None:
    before = await _refused_by_a_worker(door)
    count = TOPICS[TopicName.TOUCHPOINTS].partitions
    was = partition_for(before.workspace, before.strand, count)
    user = next(f"u-{n}" for n in range(99) if partition_for(before.workspace, f"5user_id:u-{n}", count) != was)

    fixed = await _fix(door, {"keys": ["1anonymous_id:a", f"5user_id:{user}", "1anonymous_id:a"]})

    placed = await _by_partition(door)
    moved = placed[partition_for(before.workspace, f"5user_id:{user}", count)]
    assert fixed["accepted"] == 1
    assert (placed[was].keys, moved.keys) == (before.keys, (f"5user_id:{user}", "1anonymous_id:a"))


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [({"keys": ["u"]}, "/keys"), ({"keys": ["5user_id:"]}, "/keys"), ({"previous": "9user_id:u"}, "/previous")],
)
async def test_key_that_is_none_is_refused_and_nothing_is_replayed(
    door: OpenDoor, patch: dict[str, Any], pointer: str
) -> None:
    await _refused_by_a_worker(door)

    fixed = await _fix(door, patch)

    assert (fixed["accepted"], fixed["data"][0]["refused"]["pointer"]) == (0, pointer)
    assert len(await door.touchpoints()) == 1


@pytest.mark.parametrize("key", ["5user_id:u", "1anonymous_id:a:b", "2external.hubspot:7", "4email:00"])
def test_key_as_the_door_writes_it_is_one(key: str) -> None:
    assert is_canonical(key)


@pytest.mark.parametrize("key", ["", "u", "5user_id", "5email:x", "2external.:7", "2external:7", ":"])
def test_any_other_text_is_none(key: str) -> None:
    assert not is_canonical(key)
