"""``POST /v1/touchpoints`` on a real log: what is answered, and that it is on the log by then."""

import gzip
from typing import Any

import cramjam
import msgspec
import pytest

from services.ingest.api import examples
from shared.access import KeyKind, Scope, prefix_of
from shared.database.access import create_key, revoke_key
from shared.database.session import writing
from shared.vocabulary import Code
from tests.ingest_door import OpenDoor

_PATH = "/v1/touchpoints"
_VISIT: dict[str, Any] = {"kind": "page_viewed", "identity": {"anonymous_id": "a-1"}}


def _visits(count: int) -> list[dict[str, Any]]:
    return [{"id": f"t-{n}", "kind": "page_viewed", "identity": {"anonymous_id": f"a-{n}"}} for n in range(count)]


async def test_touchpoint_is_on_the_log_when_it_is_answered(door: OpenDoor) -> None:
    answer = await door.post(_PATH, _VISIT)

    (touchpoint,) = await door.touchpoints()
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
    assert touchpoint.keys == ("1anonymous_id:a-1",)
    assert touchpoint.workspace == str(door.keys.workspace.id)


@pytest.mark.parametrize(
    "body",
    [
        msgspec.json.encode({"touchpoints": _visits(3)}),
        msgspec.json.encode(_visits(3)),
        b"\n".join(msgspec.json.encode(visit) for visit in _visits(3)),
        gzip.compress(msgspec.json.encode(_visits(3))),
        bytes(cramjam.zstd.compress(msgspec.json.encode(_visits(3)))),
    ],
    ids=["list", "array", "lines", "gzip", "zstd"],
)
async def test_every_form_of_body_is_taken(door: OpenDoor, body: bytes) -> None:
    answer = await door.post(_PATH, body, content_type="text/plain")

    assert answer.json() == {"accepted": 3, "rejected": []}
    assert sorted(one.id for one in await door.touchpoints()) == ["t-0", "t-1", "t-2"]


async def test_one_bad_among_a_hundred_takes_no_other_with_it(door: OpenDoor) -> None:
    visits = [msgspec.json.encode(visit) for visit in _visits(99)]
    bad = b'{"id":"bad","kind":"page_viewed","identity":{"anonymous_id":"a"},"properties":{"x":NaN}}'

    answer = await door.post(_PATH, b'{"touchpoints":[' + b",".join([*visits[:40], bad, *visits[40:]]) + b"]}")

    (rejected,) = answer.json()["rejected"]
    assert (answer.status_code, answer.json()["accepted"]) == (200, 99)
    assert (rejected["index"], rejected["code"]) == (40, "not_finite")
    assert len(await door.touchpoints()) == 99
    (kept,) = await door.rejections()
    assert (kept.id, kept.code, kept.payload) == (rejected["id"], "not_finite", bad)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", Code.NOT_JSON),
        (b'{"kind":5}', Code.WRONG_TYPE),
        (b'{"kind":"x","identity":{"user_id":"u"},"properties":{"x":NaN}}', Code.NOT_FINITE),
        (b'{"kind":"x","identity":{"user_id":"u"},"properties":{"x":1e400}}', Code.NOT_FINITE),
        (b'{"kind":"x","identity":{"user_id":"u"},"properties":{"x":"\\u0000"}}', Code.INVALID_TEXT),
        (b'{"id":"a\\u0000b","kind":"x","identity":{"user_id":"u"}}', Code.INVALID_TEXT),
        (b'{"kind":"x","identity":{"user_id":"u"},"properties":{"x":"\\ud800"}}', Code.INVALID_TEXT),
        (b'{"kind":"x","properties":' + b"[" * 20_000 + b"]" * 20_000 + b"}", Code.TOO_DEEP),
        (b'{"kind":"x","identity":{"user_id":"u"},"occurred_at":"+300000-01-01T00:00:00Z"}', Code.INVALID_INSTANT),
        (b'{"kind":"x"}', Code.NO_IDENTITY),
        (b"[7]", Code.NOT_AN_OBJECT),
    ],
    ids=["no json", "type", "NaN", "1e400", "nul", "nul in id", "lone", "deep", "year 300000", "nobody", "number"],
)
async def test_bad_item_alone_is_422_and_kept(door: OpenDoor, body: bytes, code: Code) -> None:
    answer = await door.post(_PATH, body)

    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (told["accepted"], told["rejected"][0]["code"], told["errors"][0]["code"]) == (0, code, code)
    assert await door.keep() == 1
    assert [one.code for one in await door.rejections()] == [code]
    assert await door.touchpoints() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_batch"),
        (b'{"touchpoints":[]}', "empty_batch"),
        (msgspec.json.encode(_visits(1_001)), "too_many_items"),
    ],
    ids=["nothing", "empty", "1,001"],
)
async def test_request_that_holds_no_item_or_too_many_is_422_and_not_kept(
    door: OpenDoor, body: bytes, code: str
) -> None:
    answer = await door.post(_PATH, body)

    assert (answer.status_code, answer.json()["code"], answer.json()["rejected"]) == (422, code, [])
    assert await door.rejections() == []


async def test_thousand_items_are_taken(door: OpenDoor) -> None:
    answer = await door.post(_PATH, _visits(1_000))

    assert answer.json()["accepted"] == 1_000


@pytest.mark.parametrize(
    "body",
    [b" " * (2 * 1024 * 1024), gzip.compress(b" " * 300_000_000), bytes(cramjam.zstd.compress(b" " * 300_000_000))],
    ids=["2 MiB", "gzip bomb", "zstd bomb"],
)
async def test_body_that_is_too_large_is_413_and_not_kept(door: OpenDoor, body: bytes) -> None:
    answer = await door.post(_PATH, body, origin="https://shop.example")

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert await door.rejections() == []


async def test_unknown_compression_is_415(door: OpenDoor) -> None:
    assert (await door.post(_PATH, _VISIT, content_encoding="br")).status_code == 415


@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer tw_nobody_x", "Bearer nonsense", "Basic !!!", "Digest x"])
async def test_without_a_good_key_it_is_401(door: OpenDoor, key: str) -> None:
    answer = await door.post(_PATH, _VISIT, authorization=key)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await door.touchpoints() == []
    assert await door.rejections() == []


async def test_key_of_the_right_id_and_the_wrong_token_is_401(door: OpenDoor) -> None:
    answer = await door.post(_PATH, _VISIT, authorization=f"Bearer {door.keys.write[:-1]}?")

    assert answer.status_code == 401


async def test_revoked_and_expired_keys_are_401(door: OpenDoor) -> None:
    async with writing(door.own.writer) as session:
        expired = await create_key(session, door.keys.workspace.id, KeyKind.WRITE, 0, expires_at=1)
        await revoke_key(session, door.keys.write.rpartition("_")[0], door.own.clock.now())
    await door.own.access.load()

    assert (await door.post(_PATH, _VISIT)).status_code == 401
    assert (await door.post(_PATH, _VISIT, authorization=f"Bearer {expired.text}")).status_code == 401


async def test_secret_key_needs_the_scope_to_post(door: OpenDoor) -> None:
    async with writing(door.own.writer) as session:
        scopes = frozenset({Scope.LEADS_READ})
        reader = await create_key(session, door.keys.workspace.id, KeyKind.SECRET, 0, scopes=scopes)
    await door.own.access.load()

    answer = await door.post(_PATH, _VISIT, authorization=f"Bearer {reader.text}")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await door.post(_PATH, _VISIT, authorization=f"Bearer {door.keys.secret}")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example", 200),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:8080", 200),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("http://shop.example", 403),
        ("https://shop.example:444", 403),
        ("null", 403),
        ("http://localhost.evil.example", 403),
        ("http://[", 403),
    ],
)
async def test_write_key_works_on_its_sites_only(door: OpenDoor, origin: str, status: int) -> None:
    answer = await door.post(_PATH, _VISIT, origin=origin)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == origin


async def test_secret_key_is_not_taken_out_of_an_address_but_a_write_key_is(door: OpenDoor) -> None:
    by_secret = await door.post(f"{_PATH}?writeKey={door.keys.secret}", _VISIT, authorization="")
    by_write = await door.post(f"{_PATH}?writeKey={door.keys.write}", _VISIT, authorization="")

    assert (by_secret.status_code, by_write.status_code) == (401, 200)


async def test_preflight_allows_what_a_browser_asks_for(door: OpenDoor) -> None:
    answer = await door.client.options(
        _PATH,
        headers={
            "origin": "https://any.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,x-retry-count",
        },
    )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://any.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"] == "authorization,x-retry-count"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-expose-headers"] == "Retry-After, RateLimit, RateLimit-Policy"
    assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_other_methods_are_405(door: OpenDoor, method: str) -> None:
    answer = await door.client.request(method, _PATH)

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


async def test_same_touchpoint_twice_has_the_same_id(door: OpenDoor) -> None:
    dated = {**_VISIT, "occurred_at": "2026-01-01T00:00:00Z"}

    await door.post(_PATH, {**dated, "sent_at": "2026-01-01T00:00:01Z"})
    await door.post(_PATH, {**dated, "sent_at": "2026-01-01T00:00:09Z"})

    first, second = await door.touchpoints()
    assert first.id == second.id


@pytest.mark.parametrize("name", list(examples.NATIVE))
async def test_example_of_the_documents_is_accepted(door: OpenDoor, name: str) -> None:
    answer = await door.post(_PATH, examples.NATIVE[name]["value"])

    assert (answer.status_code, answer.json()["rejected"]) == (200, [])


async def test_openapi_shows_the_routes_with_examples_and_errors(door: OpenDoor) -> None:
    document = (await door.client.get("/openapi.json")).json()

    post = document["paths"][_PATH]["post"]
    assert set(post["requestBody"]["content"]["application/json"]["examples"]) == set(examples.NATIVE)
    assert {"200", "401", "403", "413", "415", "422", "503"} <= set(post["responses"])
    assert "/v1/batch" in document["paths"]
    assert "/v1/rejected" in document["paths"]
    assert "/v1/t" not in document["paths"]


async def test_numbers_of_the_door_are_told(door: OpenDoor) -> None:
    await door.post(_PATH, [_VISIT, {"kind": "page_viewed"}])
    await door.post(_PATH, _VISIT, authorization="")

    told = (await door.client.get("/telemetry")).text

    assert 'tragt_ingest_accepted_total{protocol="native"} 1.0' in told
    labels = f'code="no_identity",key="{prefix_of(door.keys.write)}",protocol="native"'
    assert f"tragt_ingest_rejected_total{{{labels}}} 1.0" in told
    assert 'tragt_ingest_turned_away_total{reason="unauthenticated"} 1.0' in told
    assert 'route="/v1/touchpoints",status="401"} 1.0' in told


async def test_numbers_of_imports_are_those_of_all_together(door: OpenDoor) -> None:
    headers = {"authorization": f"Bearer {door.keys.secret}", "content-type": "text/csv"}
    for day in (1, 2):
        file = (
            f"kind,email,occurred_at\ndemo_requested,ann@example.com,2024-05-0{day}\ndemo_requested,,2024-05-0{day}\n"
        )
        answer = await door.client.post("/v1/imports", content=file, headers=headers)
        assert answer.status_code == 200, answer.text

    told = (await door.client.get("/telemetry")).text

    labels = f'code="no_identity",key="{prefix_of(door.keys.secret)}",protocol="import"'
    assert [line for line in told.splitlines() if 'protocol="import' in line and "_total" in line] == [
        'tragt_ingest_accepted_total{protocol="import"} 2.0',
        f"tragt_ingest_rejected_total{{{labels}}} 2.0",
    ]
