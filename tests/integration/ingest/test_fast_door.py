"""Posts answered without ASGI are answered byte for byte as by the ordinary route, however they come over the wire."""

import asyncio
import gzip
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from services.ingest.api import serving
from services.ingest.api.exchange import Answer, Call
from services.ingest.api.fast import FastLane, fits
from services.ingest.api.intake import Intake
from shared.errors import Unavailable
from shared.http.guard import Guard, GuardLimits
from shared.telemetry import Telemetry
from tests.ingest_door import OpenDoor, settings_for
from tests.served import served
from tests.waiting import eventually

_LIMITS = GuardLimits(head_deadline_seconds=0.5, body_deadline_seconds=0.5)
_DATE = re.compile(rb"date: [^\r]+\r\n")
_MADE = re.compile(rb"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
"""An id that the door made: another one each time."""

_VISIT = {"id": "t", "kind": "page_viewed", "identity": {"anonymous_id": "a"}}
_TRACK = {"type": "track", "userId": "u", "event": "x", "messageId": "m"}


def _deep(levels: int) -> bytes:
    return b'{"kind":"page_viewed","identity":{"user_id":"u"},"properties":' + b'{"a":' * levels + b"1" + b"}" * levels


_BODIES: dict[str, bytes] = {
    "visit": msgspec.json.encode(_VISIT),
    "list": msgspec.json.encode([_VISIT, _VISIT]),
    "named list": msgspec.json.encode({"touchpoints": [_VISIT]}),
    "lines": msgspec.json.encode(_VISIT) + b"\n" + msgspec.json.encode(_VISIT),
    "track": msgspec.json.encode(_TRACK),
    "batch": msgspec.json.encode({"batch": [_TRACK, {**_TRACK, "type": "nothing"}]}),
    "gzip": gzip.compress(msgspec.json.encode(_VISIT)),
    "damaged gzip": b"\x1f\x8bxxx",
    "bomb": gzip.compress(b" " * 3_000_000),
    "empty": b"",
    "blank": b" \r\n",
    "not json": b"not json",
    "empty list": b"[]",
    "number": b"17",
    "not a list": b'{"touchpoints":{}}',
    "NaN": b'{"kind":"page_viewed","value":NaN}',
    "huge number": b'{"kind":"page_viewed","identity":{"user_id":"u"},"properties":{"n":1e999}}',
    "large integer": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"traits":{"n":99999999999999999999}}',
    "too deep": _deep(40) + b"}",
    "endless": _deep(40),
    "no utf-8": b'{"kind":"\xff"}',
    "surrogate": b'{"kind":"\\ud800"}',
    "nul": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"traits":{"a":"\\u0000"}}',
    "mark": b"\xef\xbb\xbf{}",
    "nobody": b'{"id":"i","kind":"page_viewed"}',
    "junk": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"null"}}',
    "no kind": b'{"id":"i","identity":{"user_id":"u"}}',
    "bad kind": b'{"id":"i","kind":"Page Viewed","identity":{"user_id":"u"}}',
    "wrong type": b'{"id":"i","kind":"page_viewed","identity":{"user_id":[]}}',
    "bad instant": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"occurred_at":"yesterday"}',
    "old instant": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"occurred_at":"1901-01-01T00:00:00Z"}',
    "bad channel": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"channel":"pigeon"}',
    "bad money": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"value":{"amount":1,"currency":"?"}}',
    "denied": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"consent":{"analytics":"denied"}}',
    "long id": b'{"kind":"page_viewed","identity":{"user_id":"u"},"id":"' + b"i" * 300 + b'"}',
    "large item": b'{"id":"i","kind":"page_viewed","identity":{"user_id":"u"},"traits":{"a":"' + b"x" * 33_000 + b'"}}',
    "too many": msgspec.json.encode([_VISIT] * 1_001),
}  # fmt: skip

_HEADS: dict[str, Sequence[str]] = {
    "no key": (),
    "wrong key": ("Authorization: Bearer tw_x_y",),
    "basic": ("Authorization: Basic QUJD",),
    "own site": ("Authorization: Bearer KEY", "Origin: https://shop.example"),
    "foreign site": ("Authorization: Bearer KEY", "Origin: https://evil.example"),
    "strange site": ("Authorization: Bearer KEY", "Origin: a\tb"),
    "unknown encoding": ("Authorization: Bearer KEY", "Content-Encoding: rot13"),
    "said gzip": ("Authorization: Bearer KEY", "Content-Encoding: gzip"),
    "two keys": ("Authorization: Bearer tw_x_y", "authorization: Bearer KEY"),
    "connection closed": ("Authorization: Bearer KEY", "Connection: close"),
    "continue": ("Authorization: Bearer KEY", "Expect: 100-continue"),
    "upgrade": ("Authorization: Bearer KEY", "Connection: Upgrade", "Upgrade: h2c"),
}

_WIRE: dict[str, bytes] = {
    "chunked": b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
    b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "old": b"POST /v1/touchpoints HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}",
    "no length": b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\n\r\n",
    "whole address": b"POST http://h/v1/touchpoints HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
    "escaped": b"POST /v1/touch%70oints HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
    "fragment": b"POST /v1/touchpoints#a HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
    "key in query": b"POST /v1/touchpoints?writeKey=KEY HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
    "preflight": b"OPTIONS /v1/touchpoints HTTP/1.1\r\nhost: h\r\norigin: https://shop.example\r\n\r\n",
    "got": b"GET /v1/touchpoints HTTP/1.1\r\nhost: h\r\n\r\n",
    "elsewhere": b"POST /v1/nothing HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}",
    "two lengths": b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "bad length": b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n{}",
    "no http": b"\x16\x03\x01\x02\r\n\r\n",
    "too large": b"POST /v1/touchpoints HTTP/1.1\r\nhost: h\r\ncontent-length: 1048577\r\n\r\n",
}  # fmt: skip


@dataclass(slots=True)
class _Doors:
    """The same application twice: behind a plain guard and behind a fast one, which counts what passes it by."""

    door: OpenDoor
    plain: int
    fast: int
    passed: list[str] = field(default_factory=list)

    def request(self, path: str, body: bytes, *headers: str) -> bytes:
        """A post as it stands on the wire."""
        lines = [f"POST {path} HTTP/1.1", "Host: h", *headers, f"Content-Length: {len(body)}", "", ""]
        return self.keyed("\r\n".join(lines).encode()) + body

    def good(self, path: str, body: bytes) -> bytes:
        """One with a good key."""
        return self.request(path, body, "Authorization: Bearer KEY")

    def keyed(self, data: bytes) -> bytes:
        return data.replace(b"KEY", self.door.keys.write.encode())

    async def same(self, *parts: bytes) -> bytes:
        """What both say, which must be the same."""
        plain, fast = await asyncio.gather(_said(self.plain, parts), _said(self.fast, parts))
        assert fast == plain, parts
        return fast


async def _said(port: int, parts: Sequence[bytes]) -> bytes:
    """All that the server says until it is silent or hangs up; parts are sent apart from each other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        for number, part in enumerate(parts):
            writer.write(part)
            await writer.drain()
            said += await _until_silent(reader, 0.004 if number < len(parts) - 1 else 0.15)
    except ConnectionError:
        said += b"(reset)"
    finally:
        writer.close()
    return _MADE.sub(b"(made)", _DATE.sub(b"", said))


async def _until_silent(reader: asyncio.StreamReader, seconds: float) -> bytes:
    said = b""
    while True:
        try:
            async with asyncio.timeout(seconds):
                part = await reader.read(65_536)
        except TimeoutError:
            return said
        if not part:
            return said + b"(end)"
        said += part


def _noting(app: ASGIApp, passed: list[str]) -> ASGIApp:
    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            passed.append(scope["path"])
        await app(scope, receive, send)

    return noted


@pytest.fixture
async def doors(door: OpenDoor) -> AsyncIterator[_Doors]:
    app = serving.application(door.own)
    passed: list[str] = []
    guard = Guard(_LIMITS, kind=serving.fast_lane(door.own, app))
    async with served(app, Guard(_LIMITS)) as plain, served(_noting(app, passed), guard) as fast:
        yield _Doors(door, plain, fast, passed)


async def test_every_body_on_every_posting_route(doors: _Doors) -> None:
    app = serving.application(doors.door.own)
    paths = [path for path in app.routes if path != "/v1/touchpoints/"]

    for path in paths:
        for name, body in _BODIES.items():
            request = doors.good(path, body)
            plain = await _answers(doors.plain, [request] * 2)
            fast = await _answers(doors.fast, [request] * 2)
            assert fast == plain, (path, name)

    assert doors.passed == []


async def test_who_has_its_share_of_what_waits_is_turned_away_alike(doors: _Doors) -> None:
    workspace = str(doors.door.keys.workspace.id)
    post = doors.good("/v1/touchpoints", b'{"kind":"page_viewed","identity":{"user_id":"u-1"}}')
    keyless = doors.request("/v1/touchpoints", b"not JSON either")
    doors.door.own.allowances.hold(workspace, 1_000_000_000)

    whole = await doors.same(post)
    in_parts = await doors.same(post[:-10], post[-10:])
    again = await doors.same(post + post)
    unknown = await doors.same(keyless)
    doors.door.own.allowances.release(workspace, 1_000_000_000)

    assert whole == in_parts
    assert again.count(b"HTTP/1.1 503 ") == 2
    assert unknown.startswith(b"HTTP/1.1 401 ")
    assert (await doors.same(post)).startswith(b"HTTP/1.1 200 ")


async def test_a_head_is_not_taken_for_that_of_the_request_before(doors: _Doors) -> None:
    """Two in one chunk, of which the first is turned away by its head: only the second is learned, if at all."""
    workspace = str(doors.door.keys.workspace.id)
    visit = b'{"kind":"page_viewed","identity":{"user_id":"u-1"}}'
    good, bad = (
        doors.good("/v1/touchpoints", visit),
        doors.request("/v1/touchpoints", visit, "Authorization: Bearer no"),
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", doors.fast)
    doors.door.own.allowances.hold(workspace, 1_000_000_000)
    writer.write(good + bad)
    statuses = [await _status(reader), await _status(reader)]
    doors.door.own.allowances.release(workspace, 1_000_000_000)
    writer.write(good)
    statuses.append(await _status(reader))
    writer.close()

    assert statuses == [b"503", b"401", b"200"]


async def _status(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    return head[9:12]


async def _answers(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """The answers to requests on one kept connection, each sent once the one before is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for request in requests:
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = re.search(rb"content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        answers.append(_MADE.sub(b"(made)", _DATE.sub(b"", head) + body))
    writer.close()
    return answers


@pytest.mark.parametrize("path", ["/v1/touchpoints", "/v1/batch", "/v1/t/"])
async def test_every_head_twice(doors: _Doors, path: str) -> None:
    for headers in _HEADS.values():
        request = doors.request(path, _BODIES["track"], *headers)
        await doors.same(request, request)


async def test_what_is_unusual_goes_the_ordinary_way(doors: _Doors) -> None:
    good = doors.good("/v1/touchpoints", _BODIES["visit"])

    for request in map(doors.keyed, _WIRE.values()):
        await doors.same(request)
        await doors.same(good, good, request, good)


async def test_pipelined_requests_are_answered_in_order(doors: _Doors) -> None:
    one, two = doors.good("/v1/touchpoints", _BODIES["visit"]), doors.good("/v1/touchpoints", _BODIES["nobody"])

    said = await doors.same(one + two + one, two + two)

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"422", b"200", b"422", b"422"]


async def test_a_stream_in_pieces_says_the_same(doors: _Doors) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        bodies = [chance.choice(list(_BODIES.values())[:12]) for _ in range(4)]
        paths = [chance.choice(["/v1/touchpoints", "/v1/touchpoints", "/v1/track", "/health/live"]) for _ in bodies]
        stream = b"".join(doors.good(path, body) for path, body in zip(paths, bodies, strict=True))
        cuts = sorted(chance.sample(range(1, len(stream)), chance.randrange(1, 12)))
        await doors.same(*[stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)])


async def test_a_body_that_does_not_come_is_timed_out_and_forgotten(doors: _Doors) -> None:
    whole = doors.good("/v1/touchpoints", _BODIES["visit"])
    reader, writer = await asyncio.open_connection("127.0.0.1", doors.fast)

    writer.write(whole[:-3])
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert await doors.door.touchpoints() == []


async def test_a_client_that_hangs_up_early_is_no_fault(doors: _Doors) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", doors.fast)
    writer.write(doors.good("/v1/touchpoints", _BODIES["visit"]))
    await writer.drain()
    writer.close()

    async def is_stored() -> bool:
        return len(await doors.door.touchpoints()) == 1

    await eventually(is_stored, within_seconds=10, what="it was stored all the same")
    assert b" 200 OK" in await _said(doors.fast, [doors.good("/v1/touchpoints", _BODIES["visit"])])


def test_it_is_off_where_it_is_switched_off_or_uvicorn_is_another() -> None:
    assert fits()
    assert not fits(object)
    assert settings_for("postgresql:///x").fast
    assert not settings_for("postgresql:///x", INGEST_FAST="false").fast


@asynccontextmanager
async def _lane(
    endpoint: Callable[[Call], Awaitable[Answer]],
    intake: Intake | None = None,
    keep_alive: int = 60,
    check_early: Callable[[Call], None] = lambda _call: None,
    limits: GuardLimits | None = None,
) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """The port of a server with one fast route, ``/x``, and nothing behind it."""

    async def nothing(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError(scope["path"])

    lane = FastLane({b"/x": ("/x", endpoint)}, intake or Intake(1_000, 1_000), Telemetry(), check_early)
    guard = Guard(limits or GuardLimits(), kind=lane.connection)
    config = uvicorn.Config(
        nothing,
        port=0,
        http=guard.protocol,  # type: ignore[arg-type]
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    serving_it = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started

    await eventually(is_up, within_seconds=10, what="it listens")
    yield server.servers[0].sockets[0].getsockname()[1], server
    server.should_exit = True
    await serving_it


def _x(body: bytes) -> bytes:
    return b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def _echo(call: Call) -> Answer:
    return Answer(200, call.body)


async def test_a_request_under_way_is_answered_before_the_server_ends() -> None:
    begun = asyncio.Event()

    async def slow(call: Call) -> Answer:
        begun.set()
        waits = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.3, waits.set_result, None)
        await waits
        return Answer(200, call.body)

    async with _lane(slow) as (port, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_x(b"abc"))
        await begun.wait()
        server.should_exit = True
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert answer.endswith(b"connection: close\r\n\r\nabc")


async def test_pieces_of_a_wait_are_told_apart_from_requests_behind_it() -> None:
    waits: list[asyncio.Future[None]] = []

    async def held(call: Call) -> Answer:
        waits.append(asyncio.get_running_loop().create_future())
        await waits[-1]
        return Answer(200, call.body)

    async def is_held() -> bool:
        return len(waits) == 1

    async with _lane(held) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_x(b"one"))
        await eventually(is_held, within_seconds=5, what="it waits")
        writer.write(b"POST /y HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n")
        await asyncio.sleep(0.05)
        waits[0].set_result(None)
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"500"]


async def test_what_is_held_bounds_what_comes() -> None:
    waits: list[asyncio.Future[None]] = []

    async def held(call: Call) -> Answer:
        waits.append(asyncio.get_running_loop().create_future())
        await waits[-1]
        return Answer(200, call.body)

    async def is_held() -> bool:
        return len(waits) == 1

    async with _lane(held, Intake(1_000, 1_000)) as (port, _):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        first.write(_x(b"x" * 900))
        await eventually(is_held, within_seconds=5, what="the first waits")
        refused = await _answers(port, [_x(b"y" * 200)] * 2)
        waits[0].set_result(None)
        first.close()

    assert [answer[:13] for answer in refused] == [b"HTTP/1.1 503 "] * 2
    assert all(b"retry-after: 1" in answer for answer in refused)


async def test_what_was_answered_by_its_head_is_not_answered_again() -> None:
    async def nobody(call: Call) -> Answer:
        raise AssertionError(call)

    def full(_call: Call) -> None:
        raise Unavailable

    async with _lane(nobody, check_early=full, limits=GuardLimits(body_deadline_seconds=0.3)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_x(b"not all of it")[:-2])
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"503"]


async def test_a_fault_of_ours_is_a_500_and_the_end_of_the_connection() -> None:
    async def broken(_call: Call) -> Answer:
        raise KeyError

    async with _lane(broken) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_x(b"abc"))
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 500 ")


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    async with _lane(_echo, keep_alive=1) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(8):
            writer.write(_x(b"abc"))
            await reader.readuntil(b"abc")
            await asyncio.sleep(0.2)
        rest = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert rest == b""
