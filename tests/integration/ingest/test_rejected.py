"""Refused items: kept once, listed, repaired, replayed, and nobody else's to see."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.ingest import store
from services.ingest.handlers.expiring import expire
from shared.contracts.codec import encode
from shared.database.pool import borrowed
from shared.database.session import writing
from shared.streaming.types import Append
from shared.vocabulary import TopicName
from tests.ingest_door import OpenDoor, make_keys, refused_by_a_worker, tell_refused


def _headers(door: OpenDoor, key: str | None = None) -> dict[str, str]:
    return {"authorization": f"Bearer {key or door.keys.secret}"}


async def _list(door: OpenDoor, **query: Any) -> dict[str, Any]:
    answer = await door.client.get("/v1/rejected", params=query, headers=_headers(door))
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def _refuse(door: OpenDoor, *ids: str, **fields: Any) -> None:
    items = [{"id": one, "kind": "Bad Kind", "identity": {"user_id": "u"}, **fields} for one in ids]
    assert (await door.post("/v1/touchpoints", items)).status_code == 422
    await door.keep()


async def test_item_is_kept_once_however_often_it_comes(door: OpenDoor) -> None:
    await _refuse(door, "a")
    await _refuse(door, "a")

    assert [one["id"] for one in (await _list(door))["data"]] == ["a"]


async def test_list_is_paged_latest_first_and_filtered_by_code(door: OpenDoor) -> None:
    for number in range(5):
        await _refuse(door, f"a-{number}")
    await door.post("/v1/touchpoints", b'{"id":"other"}')
    await door.keep()

    first = await _list(door, limit=2, code="invalid_kind")
    second = await _list(door, limit=2, code="invalid_kind", after=first["next"])
    third = await _list(door, limit=2, code="invalid_kind", after=second["next"])

    pages = [[one["id"] for one in page["data"]] for page in (first, second, third)]
    assert pages == [["a-4", "a-3"], ["a-2", "a-1"], ["a-0"]]
    assert third["next"] is None
    assert [one["id"] for one in (await _list(door, code="missing"))["data"]] == ["other"]


async def test_item_is_shown_with_its_own_bytes(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", b'{"id":"a", "kind":7}')
    await door.post("/v1/touchpoints", b"\xff\xfe")
    await door.keep()

    item = (await door.client.get("/v1/rejected/a", headers=_headers(door))).json()

    assert (item["payload"], item["payload_encoding"]) == ('{"id":"a", "kind":7}', "utf-8")
    assert (item["code"], item["pointer"], item["refused_by"]) == ("wrong_type", "/kind", "ingest")
    assert item["received_at"].endswith("Z")
    (other,) = [one["id"] for one in (await _list(door))["data"] if one["id"] != "a"]
    shown = (await door.client.get(f"/v1/rejected/{other}", headers=_headers(door))).json()
    assert (shown["payload"], shown["payload_encoding"]) == ("//4=", "base64")


async def test_repaired_item_is_taken_with_its_id_and_its_instant(door: OpenDoor) -> None:
    await _refuse(door, "a")
    received_at = (await door.rejections())[0].received_at

    repaired = await door.client.patch(
        "/v1/rejected/a", json={"payload": {"kind": "good_kind", "identity": {"user_id": "u"}}}, headers=_headers(door)
    )
    replayed = await door.client.post("/v1/rejected/a/replay", headers=_headers(door))

    (touchpoint,) = await door.touchpoints()
    assert (repaired.status_code, replayed.json()) == (200, {"accepted": 1, "refused": []})
    assert (touchpoint.id, touchpoint.kind, touchpoint.received_at) == ("a", "good_kind", received_at)
    assert (await _list(door))["data"][0]["replayed_at"] is not None
    again = await door.client.patch("/v1/rejected/a", json={"payload": {}}, headers=_headers(door))
    assert again.status_code == 404


async def test_item_that_is_still_bad_says_why(door: OpenDoor) -> None:
    await _refuse(door, "a")
    await door.client.patch("/v1/rejected/a", json={"payload": {"kind": "good_kind"}}, headers=_headers(door))

    replayed = (await door.client.post("/v1/rejected/a/replay", headers=_headers(door))).json()

    assert (replayed["accepted"], replayed["refused"][0]["code"]) == (0, "no_identity")
    assert (await _list(door))["data"][0]["code"] == "no_identity"


async def test_replay_by_code_takes_what_waits(door: OpenDoor) -> None:
    await _refuse(door, "a", "b")
    for one in ("a", "b"):
        payload = {"payload": {"id": one, "kind": "good_kind", "identity": {"user_id": "u"}}}
        await door.client.patch(f"/v1/rejected/{one}", json=payload, headers=_headers(door))

    first = await door.client.post("/v1/rejected/replay", json={"code": "invalid_kind"}, headers=_headers(door))
    second = await door.client.post("/v1/rejected/replay", json={"code": "invalid_kind"}, headers=_headers(door))

    assert (first.json()["accepted"], second.json()["accepted"]) == (2, 0)
    assert sorted(one.id for one in await door.touchpoints()) == ["a", "b"]


async def test_list_is_filtered_by_who_when_and_whether_it_waits(door: OpenDoor) -> None:
    await _refuse(door, "a")
    await door.post("/v1/track", {"messageId": "m", "userId": "u", "event": 5})
    await door.keep()
    listed = (await _list(door))["data"]
    instants = {one["id"]: one["received_at"] for one in listed}
    payload = {"payload": {"messageId": "m", "userId": "u", "event": "Fine"}}
    await door.client.patch("/v1/rejected/m", json=payload, headers=_headers(door))
    await door.client.post("/v1/rejected/m/replay", headers=_headers(door))

    async def ids(**query: str) -> list[str]:
        return [one["id"] for one in (await _list(door, **query))["data"]]

    assert await ids() == ["m", "a"]
    assert (await ids(protocol="segment"), await ids(protocol="ga4")) == (["m"], [])
    assert (await ids(refused_by="ingest"), await ids(refused_by="scoring")) == (["m", "a"], [])
    assert (await ids(since=instants["m"]), await ids(until=instants["m"])) == (["m"], ["a"])
    assert (await ids(state="waiting"), await ids(state="taken")) == (["a"], ["m"])


async def _fix(door: OpenDoor, **asked: Any) -> dict[str, Any]:
    answer = await door.client.post("/v1/rejected/fix", json=asked, headers=_headers(door))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_many_are_fixed_by_one_patch(door: OpenDoor) -> None:
    await _refuse(door, "a", "b", properties={"n": 1, "wrong": True})
    await door.post("/v1/touchpoints", {"id": "c", "kind": "Bad Kind"})
    await door.post("/v1/touchpoints", b"{")
    await door.keep()
    patch = {"kind": "good_kind", "properties": {"wrong": None, "right": "yes"}}

    looked = await _fix(door, filter={}, patch=patch, dry_run=True)
    assert (await door.touchpoints(), {one["replayed_at"] for one in (await _list(door))["data"]}) == ([], {None})
    fixed = await _fix(door, filter={}, patch=patch)

    assert (looked["dry_run"], looked["accepted"]) == (True, 2)
    assert [one | {"before": None} for one in looked["data"]] == fixed["data"]
    told = {one["id"]: one for one in fixed["data"]}
    became = msgspec.json.decode(told["a"]["payload"])
    assert (became["kind"], became["properties"]) == ("good_kind", {"n": 1, "right": "yes"})
    assert (told["a"]["refused"], told["c"]["refused"]["code"]) == (None, "no_identity")
    assert [one["refused"]["code"] for one in told.values() if one["payload"] is None] == ["not_json"]
    assert sorted((one.id, one.kind) for one in await door.touchpoints()) == [("a", "good_kind"), ("b", "good_kind")]
    shown = (await door.client.get("/v1/rejected/a", headers=_headers(door))).json()
    assert (shown["payload"], shown["replayed_at"] is None) == (told["a"]["payload"], False)


async def test_many_are_mended_by_one_mapping(door: OpenDoor) -> None:
    for number in range(2):
        said = {"mail": f"P{number}@shop.example", "ts": 1_700_000_000 + number, "price": 5}
        await door.post("/v1/touchpoints", {"id": f"a-{number}", "kind": "form_submitted", "properties": said})
    await door.post("/v1/touchpoints", {"id": "b", "kind": "form_submitted", "properties": {"price": 5}})
    await door.keep()
    mapping = {
        "identity": {"email": "lower(properties.mail)"},
        "occurred_at": {"at": "properties.ts", "unit": "seconds"},
        "properties": {"mail": None, "ts": None},
        "channel": "'web'",
    }
    which = {"code": "no_identity", "key": door.keys.write.rpartition("_")[0]}

    looked = await _fix(door, filter=which, mapping=mapping, dry_run=True)
    assert await door.touchpoints() == []
    fixed = await _fix(door, filter=which, mapping=mapping)

    told = {one["id"]: one for one in looked["data"]}
    assert (looked["accepted"], fixed["accepted"], told["b"]["refused"]["code"]) == (2, 2, "no_identity")
    assert msgspec.json.decode(told["a-0"]["before"])["properties"]["mail"] == "P0@shop.example"
    assert msgspec.json.decode(told["a-0"]["payload"]) == {
        "id": "a-0",
        "kind": "form_submitted",
        "properties": {"price": 5},
        "identity": {"email": "p0@shop.example"},
        "occurred_at": "2023-11-14T22:13:20Z",
        "channel": "web",
    }
    taken = {one.id: one for one in await door.touchpoints()}
    assert {one: taken[one].occurred_at for one in taken} == {
        "a-0": 1_700_000_000_000_000,
        "a-1": 1_700_000_001_000_000,
    }
    assert [one["id"] for one in (await _list(door, state="waiting"))["data"]] == ["b"]


async def test_one_is_mended_by_a_mapping(door: OpenDoor) -> None:
    await _refuse(door, "a", "b")

    fixed = await _fix(door, filter={"id": "a"}, mapping={"kind": "snake(kind)"})

    assert (fixed["accepted"], [(one.id, one.kind) for one in await door.touchpoints()]) == (1, [("a", "bad_kind")])


async def test_time_that_is_none_says_so_and_keeps_no_other_from_it(door: OpenDoor) -> None:
    await _refuse(door, "a", properties={"ts": "yesterday"})
    await _refuse(door, "b", properties={"ts": 5})

    mapping = {"kind": "snake(kind)", "occurred_at": {"at": "properties.ts", "unit": "seconds"}}
    fixed = await _fix(door, filter={}, mapping=mapping)

    told = {one["id"]: one["refused"] for one in fixed["data"]}
    assert (told["a"]["code"], told["a"]["pointer"], told["b"]) == ("invalid_instant", "/occurred_at", None)


async def test_list_is_filtered_by_the_key_it_came_with(door: OpenDoor) -> None:
    bad = {"kind": "Bad Kind", "identity": {"user_id": "u"}}
    await door.post("/v1/touchpoints", {**bad, "id": "w"})
    await door.post("/v1/touchpoints", {**bad, "id": "s"}, authorization=f"Bearer {door.keys.secret}")
    await door.keep()
    prefix = door.keys.secret.rpartition("_")[0]

    (listed,) = (await _list(door, key=prefix))["data"]

    assert (listed["id"], listed["key"]) == ("s", prefix)


async def test_instant_that_is_none_is_told_with_an_example(door: OpenDoor) -> None:
    for said in ("foo", "2026-11-25", "1764065400", "2026-11-25T00:00:00"):
        answer = await door.client.get("/v1/rejected", params={"since": said}, headers=_headers(door))

        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["pointer"]) == (422, "since")
        assert fault["detail"] == "an instant is written as RFC 3339 has it: 2026-11-25T09:30:00Z"


async def test_what_was_taken_meanwhile_is_not_written_over(door: OpenDoor) -> None:
    await _refuse(door, "a")
    asked = {"filter": {"id": "a"}, "patch": {"kind": "a_b"}}
    assert (await door.client.post("/v1/rejected/fix", json=asked, headers=_headers(door))).json()["accepted"] == 1
    (taken,) = (await _list(door))["data"]

    async with writing(door.own.writer) as session:  # as who read it while it still waited
        await store.mark_fixed(session, door.keys.workspace.id, {"a": b"{}"}, 1)
        await store.mark_refused_again(session, door.keys.workspace.id, [("a", "missing", "", "", False)])

    shown = (await door.client.get("/v1/rejected/a", headers=_headers(door))).json()
    assert shown["payload"] == '{"id":"a","kind":"a_b","identity":{"user_id":"u"}}'
    assert (await _list(door))["data"] == [taken]


async def test_what_a_patch_does_not_mend_stays_as_it_was(door: OpenDoor) -> None:
    await _refuse(door, "a")
    before = (await door.client.get("/v1/rejected/a", headers=_headers(door))).json()

    fixed = await _fix(door, filter={"code": "invalid_kind"}, patch={"kind": "good_kind", "identity": None})

    assert (fixed["accepted"], fixed["data"][0]["refused"]["code"]) == (0, "no_identity")
    assert (await door.client.get("/v1/rejected/a", headers=_headers(door))).json() == before


async def test_item_too_deep_to_patch_keeps_no_other_from_it(door: OpenDoor) -> None:
    await _refuse(door, "a")
    deep = b'{"id":"b","kind":"x","properties":{"p":%b%b}}' % (b"[" * 5_000, b"]" * 5_000)
    assert (await door.post("/v1/touchpoints", deep)).status_code == 422
    await door.keep()

    fixed = await _fix(door, filter={}, patch={"kind": "good_kind"})

    assert (fixed["accepted"], [one.id for one in await door.touchpoints()]) == (1, ["a"])
    assert [one["refused"]["code"] for one in fixed["data"] if one["payload"] is None] == ["too_deep"]


async def test_fix_takes_the_latest_that_the_filter_names(door: OpenDoor) -> None:
    for one in ("a", "b", "c"):
        await _refuse(door, one)
    until = (await _list(door))["data"][0]["received_at"]

    fixed = await _fix(
        door, filter={"code": "invalid_kind", "until": until, "protocol": "native"}, patch={"kind": "x"}, limit=1
    )

    assert [one["id"] for one in fixed["data"]] == ["b"]
    assert (await _fix(door, filter={"code": "missing"}, patch={}))["data"] == []


async def test_fix_cannot_make_an_item_another_workspaces(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {"id": "t", "kind": "x", "identity": {"user_id": "u"}})
    (touchpoint,) = await door.touchpoints()
    other = await make_keys(door.own, "other")
    await tell_refused(door, refused_by_a_worker(touchpoint))

    fixed = await _fix(door, filter={"refused_by": "scoring"}, patch={"workspace": str(other.workspace.id)})

    assert fixed["accepted"] == 1
    assert {one.workspace for one in await door.touchpoints()} == {str(door.keys.workspace.id)}


@pytest.mark.parametrize(
    "body",
    [
        b'{"filter":{},"patch":{"kind":"\\ud800"}}',
        b'{"filter":{},"patch":[]}',
        b'{"filter":{"kod":"missing"},"patch":{}}',
        b'{"filter":{"since":"yesterday"},"patch":{}}',
        b'{"filter":{},"patch":{},"limit":1001}',
        b'{"filter":{}}',
        b'{"filter":{},"patch":{},"mapping":{}}',
        b'{"filter":{},"mapping":{"kind":"]["}}',
        b'{"filter":{},"mapping":{"\\ud800":"kind"}}',
        b'{"filter":{},"mapping":' + b'{"a":' * 600 + b"null" + b"}" * 600 + b"}",
    ],
)
async def test_fix_that_is_malformed_is_422_and_changes_nothing(door: OpenDoor, body: bytes) -> None:
    await _refuse(door, "a")

    headers = {**_headers(door), "content-type": "application/json"}
    answer = await door.client.post("/v1/rejected/fix", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await _list(door))["data"][0]["replayed_at"] is None


async def test_a_whole_new_item_is_of_one_that_is_named(door: OpenDoor) -> None:
    await _refuse(door, "a")
    whole = {"kind": "good_kind", "identity": {"user_id": "u"}}
    unnamed = await door.client.post("/v1/rejected/fix", json={"filter": {}, "payload": whole}, headers=_headers(door))
    asked = {"filter": {"id": "a"}, "payload": whole}
    looked = await door.client.post("/v1/rejected/fix", json={**asked, "dry_run": True}, headers=_headers(door))
    told = await door.client.post("/v1/rejected/fix", json=asked, headers=_headers(door))

    assert (unnamed.status_code, unnamed.json()["errors"][0]["pointer"]) == (422, "/filter/id")
    assert (looked.json()["accepted"], looked.json()["data"][0]["refused"], told.json()["accepted"]) == (1, None, 1)
    assert [(one.id, one.kind) for one in await door.touchpoints()] == [("a", "good_kind")]


async def test_fix_is_for_administrators_of_the_workspace(door: OpenDoor) -> None:
    await _refuse(door, "a")
    other = await make_keys(door.own, "other")
    await door.own.access.load()
    asked = {"filter": {}, "patch": {"kind": "good_kind"}}

    written = await door.client.post("/v1/rejected/fix", json=asked, headers=_headers(door, door.keys.write))
    others = await door.client.post("/v1/rejected/fix", json=asked, headers=_headers(door, other.secret))

    assert (written.status_code, others.json()["data"]) == (403, [])


async def test_items_are_dropped_when_they_were_kept_long_enough(door: OpenDoor) -> None:
    await _refuse(door, "a", "b", "c")
    await _refuse(door, "d")
    others = await make_keys(door.own, "other")
    await door.own.access.load()
    assert (await door.post("/v1/touchpoints", b"{", authorization=f"Bearer {others.write}")).status_code == 422
    await door.keep()
    received = {one.id: one.received_at for one in await door.rejections()}

    await expire(door.own.pool, received["a"], asyncio.Event(), chunk=1)
    assert len((await _list(door))["data"]) == 4
    await expire(door.own.pool, received["d"], asyncio.Event(), chunk=1)
    assert [one["id"] for one in (await _list(door))["data"]] == ["d"]
    await expire(door.own.pool, max(received.values()) + 1, asyncio.Event(), chunk=1)

    async with borrowed(door.own.pool) as connection:
        assert await connection.fetchval("SELECT count(*) FROM ingest.rejected") == 0


async def test_chunk_of_what_is_dropped_is_found_by_the_index(door: OpenDoor) -> None:
    async with borrowed(door.own.pool) as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {store._EXPIRE}", 1, 1_000)

    assert "ix_rejected_received_at" in plan


async def test_segment_call_is_replayed_as_the_call_its_path_said(door: OpenDoor) -> None:
    await door.post("/v1/track", {"messageId": "m", "userId": "u", "event": 5})
    await door.keep()
    payload = {"payload": {"messageId": "m", "userId": "u", "event": "Fine"}}
    await door.client.patch("/v1/rejected/m", json=payload, headers=_headers(door))

    replayed = await door.client.post("/v1/rejected/m/replay", headers=_headers(door))

    (touchpoint,) = await door.touchpoints()
    assert (replayed.json()["accepted"], touchpoint.kind, touchpoint.protocol) == (1, "fine", "segment")


async def test_what_a_worker_refused_goes_back_to_the_log_as_it_was(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {"id": "t", "kind": "x", "identity": {"user_id": "u"}})
    (touchpoint,) = await door.touchpoints()
    unreadable = refused_by_a_worker(touchpoint, id="u", payload=b"{")
    await tell_refused(door, refused_by_a_worker(touchpoint), unreadable)

    replayed = await door.client.post("/v1/rejected/replay", json={"code": "unreadable_record"}, headers=_headers(door))

    assert (replayed.json()["accepted"], [one["id"] for one in replayed.json()["refused"]]) == (1, ["u"])
    assert [one.id for one in await door.touchpoints()] == ["t", "t"]


async def test_nothing_is_kept_of_somebody_who_denied(door: OpenDoor) -> None:
    item = {"id": "d", "kind": "x", "identity": {"user_id": "u"}, "consent": {"analytics": "denied"}}
    await door.post("/v1/touchpoints", item)
    await door.post("/v1/touchpoints", {**item, "id": "mended", "kind": "Not A Kind", "consent": {}})
    await door.keep()

    await door.client.patch("/v1/rejected/mended", json={"payload": {**item, "id": "mended"}}, headers=_headers(door))
    replayed = (await door.client.post("/v1/rejected/mended/replay", headers=_headers(door))).json()

    assert (await door.client.get("/v1/rejected/d", headers=_headers(door))).status_code == 404
    assert (replayed["accepted"], replayed["refused"][0]["code"]) == (0, "consent_denied")
    assert (await door.client.get("/v1/rejected/mended", headers=_headers(door))).json()["payload"] == ""


async def test_record_that_is_no_rejection_stops_nothing(door: OpenDoor) -> None:
    await door.own.producer.append(TopicName.REJECTIONS, [Append(0, b"{"), Append(0, b'{"workspace":"x"}')])
    await door.post("/v1/touchpoints", b'{"id":"a"}')

    values = await door._values(TopicName.REJECTIONS)

    assert len(values) == 3
    assert await door.keep() == 1


@pytest.mark.parametrize("path", ["/v1/rejected", "/v1/rejected/a"])
async def test_refused_items_are_for_administrators(door: OpenDoor, path: str) -> None:
    await _refuse(door, "a")

    assert (await door.client.get(path)).status_code == 401
    assert (await door.client.get(path, headers=_headers(door, door.keys.write))).status_code == 403


async def test_other_workspace_sees_and_changes_nothing(door: OpenDoor) -> None:
    await _refuse(door, "a")
    other = await make_keys(door.own, "other")
    await door.own.access.load()
    headers = _headers(door, other.secret)

    listed = await door.client.get("/v1/rejected", headers=headers)
    patched = await door.client.patch("/v1/rejected/a", json={"payload": {}}, headers=headers)

    assert listed.json()["data"] == []
    assert (await door.client.get("/v1/rejected/a", headers=headers)).status_code == 404
    assert patched.status_code == 404
    assert (await door.client.post("/v1/rejected/a/replay", headers=headers)).status_code == 404


async def test_unknown_parameter_names_the_near_one(door: OpenDoor) -> None:
    answer = await door.client.get("/v1/rejected?cod=missing", headers=_headers(door))

    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["code"]) == (422, "cod", "unknown_parameter")
    assert "code" in fault["detail"]


@pytest.mark.parametrize(
    "query", ["after=nonsense", "after=", "limit=0", "limit=x", "code=nonsense", "since=nonsense", "state=nonsense"]
)
async def test_wrong_parameter_is_422_and_not_echoed(door: OpenDoor, query: str) -> None:
    answer = await door.client.get(f"/v1/rejected?{query}", headers=_headers(door))

    if query == "after=":
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "nonsense" not in answer.text


async def test_reserved_id_of_a_write_key_is_kept_under_another_and_taken_under_that(door: OpenDoor) -> None:
    item = {"id": "hubspot:1:2", "kind": "deal_made", "identity": {"user_id": "u"}}

    told = (await door.post("/v1/touchpoints", item)).json()
    await door.post("/v1/touchpoints", {**item, "id": "hubspot:1:3"}, authorization=f"Bearer {door.keys.secret}")
    await door.keep()
    (kept,) = (await _list(door))["data"]
    replayed = await door.client.post(f"/v1/rejected/{kept['id']}/replay", headers=_headers(door))

    assert (told["accepted"], told["rejected"][0]["code"], told["rejected"][0]["id"]) == (0, "id_reserved", kept["id"])
    assert (replayed.json()["accepted"], len(kept["id"])) == (1, 32)
    assert {one.id for one in await door.touchpoints()} == {kept["id"], "hubspot:1:3"}


async def test_reserved_id_is_not_used_up_among_refused_items_either(door: OpenDoor) -> None:
    bad = {"id": "hubspot:1:2", "kind": "Bad Kind", "identity": {"user_id": "u"}}

    await door.post("/v1/touchpoints", bad)
    await door.post("/v1/touchpoints", bad, authorization=f"Bearer {door.keys.secret}")
    await door.keep()

    kept = {one["id"] for one in (await _list(door, code="invalid_kind"))["data"]}
    assert (len(kept), "hubspot:1:2" in kept) == (2, True)


async def test_conflict_is_replayed_under_an_id_of_its_own_and_not_before(door: OpenDoor) -> None:
    await door.post("/v1/touchpoints", {"id": "t", "kind": "x_done", "identity": {"user_id": "u"}})
    (touchpoint,) = await door.touchpoints()
    rejection = refused_by_a_worker(
        touchpoint,
        id="t~0123456789abcdef",
        code="id_conflict",
        pointer="/id",
        payload=encode(msgspec.structs.replace(touchpoint, kind="y_done")),
    )
    await tell_refused(door, rejection)

    at_once = await door.client.post(f"/v1/rejected/{rejection.id}/replay", headers=_headers(door))
    fixed = await _fix(door, filter={"code": "id_conflict"}, patch={"id": "t-2"})

    assert (at_once.json()["accepted"], at_once.json()["refused"][0]["code"]) == (0, "id_conflict")
    assert fixed["accepted"] == 1
    assert sorted((one.id, one.kind) for one in await door.touchpoints()) == [("t", "x_done"), ("t-2", "y_done")]
