"""The hot routes answer byte for byte as FastAPI does, and as a plain implementation says that shares no shell."""

import base64
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.ingest.api import serving
from services.ingest.api.intake import Intake
from services.ingest.protocols.native import parse
from services.ingest.protocols.outcome import Arrival
from services.ingest.protocols.splitting import split_native
from shared.contracts.touchpoint import Touchpoint
from tests.ingest_door import OpenDoor

_VISIT: dict[str, Any] = {"id": "t", "kind": "page_viewed", "identity": {"anonymous_id": "a"}}
_SHOP = ("origin", "https://shop.example")


@dataclass(frozen=True, slots=True)
class Sample:
    """A request of the corpus; ``KEY`` stands for the write key."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("authorization", "Bearer KEY"),)


def _post(body: Any, path: str = "/v1/touchpoints", **headers: str) -> Sample:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    given = {"authorization": "Bearer KEY", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Sample("POST", path, content, tuple(given.items()))


_TRACK = {"type": "track", "userId": "u", "event": "x", "messageId": "m"}
_CORPUS = {
    "one": _post(_VISIT),
    "slash": _post(_VISIT, "/v1/touchpoints/"),
    "list": _post({"touchpoints": [_VISIT, _VISIT]}),
    "lines": _post(msgspec.json.encode(_VISIT) + b"\n" + msgspec.json.encode(_VISIT)),
    "mixed": _post([_VISIT, {"id": "bad", "kind": "page_viewed"}]),
    "all bad": _post([{"id": "bad", "kind": "page_viewed"}]),
    "not json": _post(b"not json"),
    "empty": _post(b""),
    "empty list": _post([]),
    "too many": _post([_VISIT] * 1_001),
    "gzip": _post(gzip.compress(msgspec.json.encode(_VISIT))),
    "damaged gzip": _post(b"\x1f\x8bxxx"),
    "bomb": _post(gzip.compress(b" " * 3_000_000)),
    "too large": _post(b" " * 1_048_577),
    "brotli": _post(_VISIT, content_encoding="br"),
    "no key": _post(_VISIT, authorization=""),
    "wrong key": _post(_VISIT, authorization="Bearer tw_x_y"),
    "basic": _post(_VISIT, authorization="BASIC"),
    "own site": _post(_VISIT, origin="https://shop.example"),
    "foreign site": _post(_VISIT, origin="https://evil.example"),
    "error for a browser": _post(b"{", origin="https://shop.example"),
    "preflight": Sample("OPTIONS", "/v1/touchpoints", headers=(_SHOP, ("access-control-request-headers", "x-a"))),
    "segment batch": _post({"batch": [_TRACK]}, "/v1/batch"),
    "segment damaged": _post(b'{"batch":[{"x":NaN}]}', "/v1/batch"),
    "segment single": _post(_TRACK, "/v1/t"),
    "segment no json": _post(b"x", "/v1/track", origin="https://shop.example"),
    "segment key in body": _post({**_TRACK, "writeKey": "KEY"}, "/v1/t", authorization=""),
    "segment no key": _post(_TRACK, "/v1/i", authorization=""),
    "segment numbers": _post({"series": []}, "/v1/m", authorization=""),
}  # fmt: skip


@pytest.fixture
async def mounted(door: OpenDoor) -> AsyncIterator[httpx.AsyncClient]:
    app = serving.api(door.own, serving.surfaces(door.own), Intake(1_000_000, 1_000_000))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
            yield client


async def _ask(client: httpx.AsyncClient, door: OpenDoor, sample: Sample) -> tuple[int, list[tuple[str, str]], bytes]:
    key = door.keys.write
    basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    headers = {name: value.replace("KEY", key).replace("BASIC", basic) for name, value in sample.headers if value}
    body = sample.body.replace(b"KEY", key.encode())
    answer = await client.request(sample.method, sample.path, content=body, headers=headers)
    return answer.status_code, sorted(answer.headers.items()), answer.content


@pytest.mark.parametrize("name", _CORPUS)
async def test_hot_route_answers_as_fastapi_does(door: OpenDoor, mounted: httpx.AsyncClient, name: str) -> None:
    hot = await _ask(door.client, door, _CORPUS[name])
    plain = await _ask(mounted, door, _CORPUS[name])

    assert hot == plain


def _naive(door: OpenDoor) -> FastAPI:
    """The route as one would write it in FastAPI on an afternoon: no shell, no gate, no hot path."""
    app = FastAPI()

    @app.post("/v1/touchpoints")
    async def post(request: Request) -> Response:
        principal = door.own.access.authenticate([request.headers["authorization"].removeprefix("Bearer ")])
        arrival = Arrival(
            workspace=str(principal.workspace), secret=principal.secret, received_at=0, make_id=lambda: "made"
        )
        body = await request.body()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        outcomes = [parse(item, arrival) for item in split_native(body, 1_000).items]
        refused = [
            {
                "index": index,
                "id": outcome.id,
                "code": outcome.refusal.code.value,
                "pointer": outcome.refusal.pointer,
                "detail": outcome.refusal.detail,
            }
            for index, outcome in enumerate(outcomes)
            if not isinstance(outcome, Touchpoint)
        ]
        accepted = len(outcomes) - len(refused)
        return JSONResponse({"accepted": accepted, "rejected": refused}, 200 if accepted else 422)

    return app


@pytest.mark.parametrize("name", ["one", "list", "lines", "mixed", "all bad", "not json", "gzip"])
async def test_hot_route_says_what_a_plain_implementation_says(door: OpenDoor, name: str) -> None:
    transport = httpx.ASGITransport(app=_naive(door))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as naive:
        status, _, body = await _ask(door.client, door, _CORPUS[name])
        expected_status, _, expected = await _ask(naive, door, _CORPUS[name])

    told = msgspec.json.decode(body)
    assert (status, {"accepted": told["accepted"], "rejected": told["rejected"]}) == (
        expected_status,
        msgspec.json.decode(expected),
    )


@pytest.mark.parametrize("pieces", [1, 2, 7])
async def test_body_in_pieces_is_one_body(door: OpenDoor, pieces: int) -> None:
    body = msgspec.json.encode(_VISIT)
    size = -(-len(body) // pieces)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    headers = {"authorization": f"Bearer {door.keys.write}"}
    answer = await door.client.post("/v1/touchpoints", content=parts(), headers=headers)

    assert answer.json() == {"accepted": 1, "rejected": []}


async def test_client_that_hangs_up_in_the_middle_leaves_nothing(door: OpenDoor) -> None:
    app = serving.application(door.own)
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/touchpoints", "headers": [], "query_string": b""}
    await app(scope, receive, send)

    assert sent == []
    assert await door.touchpoints() == []
