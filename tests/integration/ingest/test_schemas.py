"""Schemas of kinds: published in versions, tried, and obeyed by the door without a question to the database."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.ingest import store
from services.ingest.bootstrap import opened
from shared.database.session import writing
from shared.errors import Unavailable
from tests.ingest_door import OpenDoor, make_keys
from tests.ingest_process import running_ingest
from tests.waiting import wait_until

_SCHEMA = {"type": "object", "required": ["plan"], "properties": {"plan": {"enum": ["free", "pro"]}}}
_GOOD = {"id": "good", "kind": "trial_started", "identity": {"user_id": "u"}, "properties": {"plan": "pro"}}
_BAD = {"id": "bad", "kind": "trial_started", "identity": {"user_id": "u"}, "properties": {"plan": "gold"}}
_BOTH = {"touchpoints": [_GOOD, _BAD]}


async def _ask(door: OpenDoor, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    headers = {"authorization": f"Bearer {door.keys.secret}"}
    answer = await door.client.request(method, path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    await door.own.schemas.load()
    return answer.json()


async def _publish(door: OpenDoor, mode: str | None = None, schema: Any = _SCHEMA, status: int = 200) -> Any:
    body = {"properties": schema} | ({} if mode is None else {"mode": mode})
    return await _ask(door, "POST", "/v1/schemas/trial_started", body, status)


async def test_versions_are_numbered_and_the_same_again_is_none(door: OpenDoor) -> None:
    first = await _publish(door)
    again = await _publish(door, "reject")
    second = await _publish(door, schema={"type": "object"})

    assert [(one["active"], one["versions"], one["mode"]) for one in (first, again, second)] == [
        (1, 1, "warn"),
        (1, 1, "reject"),
        (2, 2, "reject"),
    ]
    whole = await _ask(door, "GET", "/v1/schemas/trial_started")
    assert [(one["version"], one["properties"], one["traits"]) for one in whole["versions"]] == [
        (2, {"type": "object"}, None),
        (1, _SCHEMA, None),
    ]
    assert [one["kind"] for one in (await _ask(door, "GET", "/v1/schemas"))["data"]] == ["trial_started"]


async def test_a_workspace_has_no_more_in_force_than_its_share(door: OpenDoor) -> None:
    body: Any = {"traits": {"patternProperties": {f"^{number}": {} for number in range(100)}}}
    for number in range(10):
        await _ask(door, "POST", f"/v1/schemas/kind_{number}", body)

    refused = await _ask(door, "POST", "/v1/schemas/kind_10", body, 409)
    assert "1000 patterns together" in refused["detail"]
    await _ask(door, "PATCH", "/v1/schemas/kind_3", {"active": None})
    await _ask(door, "POST", "/v1/schemas/kind_10", body)
    await _ask(door, "PATCH", "/v1/schemas/kind_3", {"active": 1}, 409)
    assert (await _ask(door, "GET", "/v1/schemas/kind_3"))["active"] is None


async def test_what_violates_it_is_refused_by_itself_kept_and_can_be_mended(door: OpenDoor) -> None:
    await _publish(door, "reject")

    answer = await door.post("/v1/touchpoints", _BOTH)

    assert answer.json() == {
        "accepted": 1,
        "rejected": [
            {
                "index": 1,
                "id": "bad",
                "code": "schema_violation",
                "pointer": "/properties/plan",
                "detail": 'it is not one of "free" or "pro" (schema version 1)',
            }
        ],
    }
    await door.keep()
    still = await _ask(door, "POST", "/v1/rejected/bad/replay")
    fix = {"filter": {"code": "schema_violation"}, "patch": {"properties": {"plan": "pro"}}}
    fixed = await _ask(door, "POST", "/v1/rejected/fix", fix)
    assert (still["refused"][0]["code"], fixed["accepted"]) == ("schema_violation", 1)
    assert [one.id for one in await door.touchpoints()] == ["good", "bad"]


async def test_segment_and_posthog_are_held_to_it_too(door: OpenDoor) -> None:
    await _publish(door, "reject")
    event = {"plan": "gold"}

    await door.post("/v1/track", {"event": "Trial Started", "userId": "u", "properties": event})
    await door.post(
        "/e", {"api_key": door.keys.write, "event": "trial started", "distinct_id": "u", "properties": event}
    )

    assert [(one.code, one.pointer) for one in await door.rejections()] == [
        ("schema_violation", "/properties/plan")
    ] * 2
    assert await door.touchpoints() == []


_GA4 = {"client_id": "1.2", "events": [{"name": "trial_started", "params": {"plan": "gold"}}]}
_CLOUD = {"specversion": "1.0", "id": "c", "source": "/s", "type": "trial_started", "subject": "u"}
_SELF = {
    "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
    "data": {"schema": "iglu:com.acme/trial_started/jsonschema/1-0-0", "data": {"plan": "gold"}},
}


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/mp/collect", "/events/0/params/plan"),
        ("/v1/events", "/data/plan"),
        ("/com.snowplowanalytics.snowplow/tp2", "/ue_pr/data/data/plan"),
    ],
)
async def test_protocols_that_are_translated_are_held_to_it_too(door: OpenDoor, path: str, pointer: str) -> None:
    await _publish(door, "reject")
    key = door.keys.write
    if path == "/mp/collect":
        await door.post(f"{path}?measurement_id=G-1&api_secret={key}", _GA4, authorization="")
    elif path == "/v1/events":
        event = {**_CLOUD, "data": {"userId": "u", "plan": "gold"}}
        await door.post(path, event, content_type="application/cloudevents+json")
    else:
        event = {"e": "ue", "p": "web", "duid": "d", "aid": key, "ue_pr": msgspec.json.encode(_SELF).decode()}
        schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
        await door.post(path, {"schema": schema, "data": [event]}, authorization="")

    (refused,) = await door.rejections()
    assert (refused.code, refused.pointer) == ("schema_violation", pointer)


async def test_one_that_warns_takes_everything_counts_and_shows_the_latest(door: OpenDoor) -> None:
    await _publish(door)

    for item_id in ("b-1", "b-2"):
        await door.post("/v1/touchpoints", {"touchpoints": [_GOOD, {**_BAD, "id": item_id}]})
    await door.own.schemas.tally.flush()
    await door.post("/v1/touchpoints", {**_BAD, "id": "b-3"})
    await door.own.schemas.tally.flush()

    (told,) = (await _ask(door, "GET", "/v1/schemas/trial_started"))["violations"]
    assert {name: told[name] for name in ("version", "place", "pointer", "detail", "item_id", "count")} == {
        "version": 1,
        "place": "/properties/properties/plan/enum",
        "pointer": "/properties/plan",
        "detail": 'it is not one of "free" or "pro"',
        "item_id": "b-3",
        "count": 3,
    }
    assert await door.rejections() == []
    counted = (await door.client.get("/telemetry")).text
    prefix = door.keys.write.rpartition("_")[0]
    lines = [line for line in counted.splitlines() if line.startswith("tragt_ingest_warned")]
    assert lines == [f'tragt_ingest_warned_total{{key="{prefix}",protocol="native"}} 3.0']


async def test_an_earlier_version_comes_back_and_a_retired_one_asks_nothing(door: OpenDoor) -> None:
    await _publish(door, "reject")
    await _publish(door, schema={"required": ["never"]})

    refused = await door.post("/v1/touchpoints", _GOOD)
    await _ask(door, "PATCH", "/v1/schemas/trial_started", {"active": 1})
    taken = await door.post("/v1/touchpoints", _GOOD)
    retired = await _ask(door, "PATCH", "/v1/schemas/trial_started", {"active": None})
    anything = await door.post("/v1/touchpoints", _BAD)

    assert [one.status_code for one in (refused, taken, anything)] == [422, 200, 200]
    assert (retired["active"], retired["mode"], retired["versions"]) == (None, "reject", 2)
    await _ask(door, "PATCH", "/v1/schemas/trial_started", {"active": 9}, 404)
    await _ask(door, "PATCH", "/v1/schemas/order_completed", {"mode": "warn"}, 404)


async def test_a_schema_is_tried_before_it_is_there(door: OpenDoor) -> None:
    path = "/v1/schemas/trial_started/try"

    tried = await _ask(door, "POST", path, {"properties": _SCHEMA, "touchpoints": [_GOOD, _BAD]})
    absent = await _ask(door, "POST", path, {"touchpoints": _BAD}, 404)
    await _publish(door)
    in_force = await _ask(door, "POST", path, {"touchpoints": _BAD})

    wrong = {"violations": [{"pointer": "/properties/plan", "detail": 'it is not one of "free" or "pro"'}]}
    assert tried == {"data": [{"violations": []}, wrong]}
    assert absent["code"] == "not_found"
    assert in_force == {"data": [wrong]}


async def test_half_a_surrogate_pair_in_a_sample_is_said(door: OpenDoor) -> None:
    body = b'{"properties": {"properties": {"a": {"pattern": "x"}}}, "touchpoints": {"properties": {"a": "\\ud83d"}}}'
    headers = {"authorization": f"Bearer {door.keys.secret}", "content-type": "application/json"}

    answer = await door.client.post("/v1/schemas/x/try", content=body, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid_text")


async def test_what_is_no_schema_is_refused_with_its_place_and_changes_nothing(door: OpenDoor) -> None:
    refused = await _publish(door, schema={"properties": {"plan": {"$ref": "https://example.com/plan"}}}, status=422)
    nothing = await _ask(door, "POST", "/v1/schemas/trial_started", {"mode": "warn"}, 422)
    no_kind = await _ask(door, "POST", "/v1/schemas/Trial", {"properties": {}}, 422)

    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
        ("/properties/properties/plan/$ref", "invalid_schema")
    ]
    assert nothing["errors"][0]["code"] == "invalid_schema"
    assert no_kind["errors"][0]["code"] == "invalid_kind"
    assert (await _ask(door, "GET", "/v1/schemas"))["data"] == []


async def test_it_is_the_workspace_s_own_and_a_write_key_s_never(door: OpenDoor) -> None:
    await _publish(door, "reject")
    other = await make_keys(door.own, "other")
    await door.own.access.load()

    taken = await door.post("/v1/touchpoints", _BAD, authorization=f"Bearer {other.write}")
    elsewhere = await door.client.get("/v1/schemas", headers={"authorization": f"Bearer {other.secret}"})
    refused = await door.client.get("/v1/schemas", headers={"authorization": f"Bearer {door.keys.write}"})

    assert (taken.status_code, elsewhere.json(), refused.status_code) == (200, {"data": []}, 403)


async def test_one_that_is_not_good_any_more_asks_nothing(door: OpenDoor) -> None:
    """As when a later version of ours takes less; it was good when it was published."""
    await _publish(door, "reject")
    async with writing(door.own.writer) as session:
        workspace = door.keys.workspace.id
        await store.add_version(session, workspace, "trial_started", 2, '{"properties":{"pattern":"("}}', 0)
        await store.put_in_force(session, workspace, "trial_started", 2)
    await door.own.schemas.load()

    assert (await door.post("/v1/touchpoints", _BAD)).status_code == 200


async def test_until_schemas_were_read_nothing_is_taken(door: OpenDoor) -> None:
    async with opened(door.own.settings) as own:
        with pytest.raises(Unavailable):
            await own.schemas.check()
        with pytest.raises(Unavailable):
            own.schemas.of(door.keys.workspace.id)
        await own.schemas.load()
        assert own.schemas.of(door.keys.workspace.id) is None


async def test_a_dry_run_of_an_import_is_held_to_it(door: OpenDoor) -> None:
    await _publish(door, "reject")
    headers = {"authorization": f"Bearer {door.keys.secret}", "content-type": "application/x-ndjson"}

    answer = await door.client.post(
        "/v1/imports?dry_run=true", content=b"\n".join(map(msgspec.json.encode, (_GOOD, _BAD))), headers=headers
    )

    assert (answer.json()["accepted"], answer.json()["codes"]) == (1, {"schema_violation": 1})


@pytest.mark.timeout(60)
async def test_in_force_in_a_process_within_two_seconds_and_counted_when_it_ends(
    door: OpenDoor, tmp_path: Path, database: str
) -> None:
    def code() -> str:
        answer = running.post("/v1/touchpoints", msgspec.json.encode(_BAD), door.keys.write)
        refused = msgspec.json.decode(answer.content)["rejected"]
        return str(refused[0]["code"]) if refused else ""

    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        assert code() == ""
        await _publish(door, "reject")
        wait_until(lambda: code() == "schema_violation", within_seconds=2, what="the schema is in force")
        await _ask(door, "PATCH", "/v1/schemas/trial_started", {"mode": "warn"})
        wait_until(lambda: code() == "", within_seconds=2, what="it only warns")
        running.end()

    (told,) = (await _ask(door, "GET", "/v1/schemas/trial_started"))["violations"]
    assert told["count"] >= 1
