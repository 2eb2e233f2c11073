"""A key that is bound to kinds, on every way in."""

import base64
from typing import Any

import msgspec
import pytest

from services.ingest.queries import Which, list_rejected
from shared.access import KeyKind, Scope, WireProfile
from shared.database.access import bind_key, create_key
from shared.database.session import reading, writing
from tests.ingest_door import OpenDoor

_NOW = 1_700_000_000_000_000
_GA4 = {"client_id": "1.2", "events": [{"name": "page_view"}, {"name": "made_up"}]}
_PAGE = "e=pv&p=web&duid=d-1&eid=00000000-0000-4000-8000-000000000001"
_STRUCTURED = "e=se&se_ca=a&se_ac=made_up&p=web&duid=d-1&eid=00000000-0000-4000-8000-000000000002"


async def _bound(door: OpenDoor, kind: KeyKind = KeyKind.WRITE) -> str:
    async with writing(door.own.writer) as session:
        made = await create_key(
            session,
            door.keys.workspace.id,
            kind,
            _NOW,
            scopes=frozenset({Scope.INGEST}),
            protocol=WireProfile.SEGMENT,
        )
        await bind_key(session, made.prefix, frozenset({"page_viewed"}))
    await door.own.access.load()
    return made.text


def _fields(query: str) -> dict[str, str]:
    return dict(part.split("=") for part in query.split("&"))


_BODIES: dict[str, Any] = {
    "/v1/touchpoints": {
        "touchpoints": [
            {"kind": "page_viewed", "identity": {"user_id": "u"}},
            {"kind": "made_up", "identity": {"user_id": "u"}},
        ]
    },
    "/v1/batch": {
        "batch": [{"type": "page", "userId": "u"}, {"type": "track", "event": "Made Up", "userId": "u"}],
    },
    "/batch": {
        "batch": [{"event": "$pageview", "distinct_id": "u"}, {"event": "made up", "distinct_id": "u"}],
    },
    "/mp/collect?measurement_id=G-1": _GA4,
    "/com.snowplowanalytics.snowplow/tp2": {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": [_fields(_PAGE), _fields(_STRUCTURED)],
    },
    "/v1/events": [
        {"specversion": "1.0", "id": f"{kind}-1", "source": "/s", "type": kind, "subject": "u", "data": {"userId": "u"}}
        for kind in ("page_viewed", "made_up")
    ],
}


@pytest.mark.parametrize("path", _BODIES)
async def test_every_protocol_takes_the_one_and_keeps_the_other_as_refused(door: OpenDoor, path: str) -> None:
    key = await _bound(door)
    body = _BODIES[path]
    query = f"&api_secret={key}" if path.startswith("/mp") else ""
    if path.startswith("/com."):
        body["data"] = [{**event, "aid": key} for event in body["data"]]
    if path == "/batch":
        body["api_key"] = key
    kind = "application/cloudevents-batch+json" if path == "/v1/events" else "application/json"
    basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    by_itself = path.startswith(("/mp", "/com.", "/batch"))

    await door.post(path + query, body, authorization="" if by_itself else basic, content_type=kind)

    assert [one.kind for one in await door.touchpoints()] == ["page_viewed"]
    (refused,) = await door.rejections()
    assert (refused.code, refused.detail) == ("kind_not_allowed", "this key may not send that kind, but page_viewed")
    assert b"made" in refused.payload.lower()


async def test_a_file_imported_with_a_bound_secret_key_is_held_to_it(door: OpenDoor) -> None:
    key = await _bound(door, KeyKind.SECRET)
    rows = [{"kind": kind, "identity": {"user_id": "u"}} for kind in ("page_viewed", "made_up")]
    body = b"\n".join(msgspec.json.encode(row) for row in rows)

    answer = await door.post("/v1/imports", body, authorization=f"Bearer {key}", content_type="application/x-ndjson")

    assert (answer.json()["accepted"], answer.json()["codes"]) == (1, {"kind_not_allowed": 1})


async def test_what_was_refused_is_kept_and_goes_in_with_a_key_that_may_send_it(door: OpenDoor) -> None:
    key = await _bound(door)
    item = {"id": "t-1", "kind": "made_up", "identity": {"user_id": "u"}}
    answer = await door.post("/v1/touchpoints", item, authorization=f"Bearer {key}")
    await door.keep()
    async with reading(door.own.reader, door.keys.workspace.id) as session:
        (kept,) = await list_rejected(session, door.keys.workspace.id, Which(), before=None, limit=9)

    replayed = await door.post("/v1/rejected/t-1/replay", {}, authorization=f"Bearer {door.keys.secret}")

    assert (answer.status_code, kept.id, kept.code) == (422, "t-1", "kind_not_allowed")
    assert replayed.json()["accepted"] == 1
    assert [one.id for one in await door.touchpoints()] == ["t-1"]
