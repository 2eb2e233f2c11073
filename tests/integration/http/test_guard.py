"""The guard before an open port, with raw sockets: whoever is slow or too large is told so and cut off."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from shared.http.guard import Guard, GuardLimits
from shared.telemetry import Telemetry
from tests.served import served
from tests.waiting import eventually

_LIMITS = GuardLimits(
    head_deadline_seconds=0.4,
    body_deadline_seconds=0.4,
    write_deadline_seconds=0.4,
    max_head_bytes=4_096,
    max_headers=40,
    max_body_bytes=10_000,
    max_connections=5,
)
_PATIENCE_SECONDS = 5
_GOOD = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc"


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body's length; ``/large`` with 8 MiB, ``/slow`` not at all."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    body = b"x" * (8 * 1024 * 1024) if scope["path"] == "/large" else str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def guard() -> Guard:
    return Guard(_LIMITS, Telemetry())


@pytest.fixture
async def port(guard: Guard) -> AsyncIterator[int]:
    async with served(_echo, guard) as listening:
        await eventually(lambda: _has_none(guard), within_seconds=_PATIENCE_SECONDS, what="the probe hung up")
        yield listening


async def _has_some(guard: Guard) -> bool:
    return bool(guard.connections)


async def _has_none(guard: Guard) -> bool:
    return not guard.connections


class _Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def rest(self) -> bytes:
        """Everything until the server hangs up."""
        return await asyncio.wait_for(self.reader.read(), _PATIENCE_SECONDS)

    async def answer(self) -> bytes:
        """One answer of the echo."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), _PATIENCE_SECONDS)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head + await self.reader.readexactly(length)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[_Client]:
    client = _Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client
    finally:
        await client.close()


async def _converse(port: int, *parts: bytes) -> bytes:
    async with _connected(port) as client:
        for part in parts:
            client.send(part)
        return await client.rest()


async def _drip(client: _Client) -> None:
    while True:
        client.send(b"x: y\r\n")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("asked", ["h2c", "websocket"])
@pytest.mark.parametrize("cut", [1, 30, 90, 125, 128, 131])
async def test_a_body_behind_a_wish_for_another_protocol_is_read(port: int, guard: Guard, asked: str, cut: int) -> None:
    wish = b"POST / HTTP/1.1\r\nhost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n"
    request = wish + b"Upgrade: %s\r\ncontent-length: 3\r\n\r\nabc" % asked.encode()
    async with _connected(port) as client:
        client.send(request[:cut])
        await asyncio.sleep(0.02)  # so that it is read in two parts
        client.send(request[cut:] + request)
        assert [(await client.answer())[-5:] for _ in range(2)] == [b"\r\n\r\n3"] * 2
        client.send(_GOOD)
        assert (await client.answer()).endswith(b"\r\n\r\n3")
    assert not guard.refused


async def test_good_requests_pass_on_a_kept_connection(port: int, guard: Guard) -> None:
    async with _connected(port) as client:
        for _ in range(3):
            client.send(_GOOD)
            assert (await client.answer()).endswith(b"\r\n\r\n3")

    assert not guard.refused


async def test_pipelined_requests_are_all_answered_in_order(port: int) -> None:
    async with _connected(port) as client:
        client.send(_GOOD * 3)

        assert [(await client.answer())[-1:] for _ in range(3)] == [b"3", b"3", b"3"]


async def test_kept_connection_may_be_idle_longer_than_the_head_deadline(port: int, guard: Guard) -> None:
    async with _connected(port) as client:
        client.send(_GOOD)
        await client.answer()
        await _converse(port)  # a silent newcomer is cut meanwhile, so the deadline is well over

        client.send(_GOOD)

        assert (await client.answer()).startswith(b"HTTP/1.1 200")
    assert dict(guard.refused) == {"silence": 1}


async def test_silent_connection_is_cut_without_a_word(port: int, guard: Guard) -> None:
    assert await _converse(port) == b""
    assert dict(guard.refused) == {"silence": 1}


async def test_head_that_drips_is_cut_at_its_deadline_however_often_it_drips(port: int, guard: Guard) -> None:
    async with _connected(port) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        dripping = asyncio.create_task(_drip(client))

        answer = await client.rest()

        dripping.cancel()
    assert answer.startswith(b"HTTP/1.1 408")
    assert dict(guard.refused) == {"head_deadline": 1}


async def test_body_that_never_ends_is_cut_at_its_deadline(port: int, guard: Guard) -> None:
    answer = await _converse(port, b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n", b"a")

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"request_timeout"' in answer
    assert dict(guard.refused) == {"body_deadline": 1}
    assert guard.telemetry is not None
    assert b'tragt_http_refused_total{reason="body_deadline"} 1.0' in guard.telemetry.expose()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nhost: h\r\n\r\n", id="long line"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: h\r\nx: " + b"a" * 5_000 + b"\r\n\r\n", id="long header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 41 + b"\r\n", id="many headers"),
    ],
)
async def test_huge_head_is_refused(port: int, guard: Guard, head: bytes) -> None:
    answer = await _converse(port, head)

    assert answer.startswith(b"HTTP/1.1 431")
    assert dict(guard.refused) == {"head_bytes": 1}


async def test_huge_head_is_refused_before_it_is_complete(port: int, guard: Guard) -> None:
    async with _connected(port) as client:
        client.send(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(100):
            client.send(b"a" * 1_000)
            await asyncio.sleep(0)

        answer = await client.rest()

    assert answer.startswith(b"HTTP/1.1 431")
    assert dict(guard.refused) == {"head_bytes": 1}


async def test_body_that_says_it_is_too_large_is_refused_before_it_is_sent(port: int, guard: Guard) -> None:
    answer = await _converse(
        port, b"POST / HTTP/1.1\r\nhost: h\r\norigin: https://shop.example\r\ncontent-length: 10001\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"too_large"' in answer
    assert b"access-control-allow-origin: https://shop.example" in answer
    assert dict(guard.refused) == {"body_bytes": 1}


async def test_client_that_goes_on_sending_a_large_body_still_reads_why_it_was_refused(port: int) -> None:
    answer = await _converse(
        port, b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3000000\r\n\r\n", *[b"a" * 100_000] * 30
    )

    assert answer.startswith(b"HTTP/1.1 413")


async def test_chunked_body_is_refused_when_it_grows_too_large(port: int, guard: Guard) -> None:
    chunk = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"

    answer = await _converse(port, b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n", *[chunk] * 4)

    assert answer.startswith(b"HTTP/1.1 413")
    assert dict(guard.refused) == {"body_bytes": 1}


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"0\r\n", b"X-Y: z\r\n"), (b"3;", b"x"), (b"0\r\nX-Y: ", b"z")],
    ids=["trailers", "extension", "one trailer"],
)
async def test_what_stands_around_a_body_in_chunks_is_not_endless(
    port: int, guard: Guard, begin: bytes, more: bytes
) -> None:
    head = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"

    answer = await _converse(port, head + begin, *[more * (80_000 // len(more))] * 20)

    assert answer.startswith(b"HTTP/1.1 413")
    assert dict(guard.refused) == {"body_bytes": 1}


async def test_fields_after_a_body_are_no_headers_of_the_request() -> None:
    heard: list[Any] = []

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heard.append(scope["headers"])
        await _echo(scope, receive, send)

    head = b"POST / HTTP/1.1\r\nhost: h\r\norigin: o\r\ntransfer-encoding: chunked\r\n\r\n"
    async with served(listen, Guard(_LIMITS, Telemetry())) as port, _connected(port) as client:
        client.send(head + b"3\r\nabc\r\n0\r\nauthorization: Bearer k\r\n\r\n" + b"GET / HTTP/1.1\r\nhost: h2\r\n\r\n")
        client.writer.write_eof()
        answers = await client.rest()

    assert answers.count(b"HTTP/1.1 200") == 2
    assert [name for name, _ in heard[-2]] == [b"host", b"origin", b"transfer-encoding"]
    assert heard[-1] == [(b"host", b"h2")]


async def test_length_and_chunks_together_are_refused(port: int) -> None:
    answer = await _converse(
        port, b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 400")


async def test_connection_above_the_cap_is_told_to_come_again(port: int, guard: Guard) -> None:
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(_connected(port)) for _ in range(_LIMITS.max_connections)]
        for client in held:
            client.send(_GOOD)
            await client.answer()

        answer = await _converse(port)

        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in answer
        assert dict(guard.refused) == {"connections": 1}
        await held[0].close()
        await eventually(lambda: _has_room(guard), within_seconds=_PATIENCE_SECONDS, what="there is room again")
        async with _connected(port) as newcomer:
            newcomer.send(_GOOD)
            assert (await newcomer.answer()).startswith(b"HTTP/1.1 200")


async def _has_room(guard: Guard) -> bool:
    return len(guard.connections) < _LIMITS.max_connections


async def test_client_that_does_not_read_its_answer_is_cut(port: int, guard: Guard) -> None:
    async with _connected(port) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n")

        await eventually(lambda: _has_some(guard), within_seconds=_PATIENCE_SECONDS, what="the deaf client is in")
        await eventually(lambda: _has_none(guard), within_seconds=_PATIENCE_SECONDS, what="the deaf client was cut")


async def test_five_hundred_slow_clients_leave_nothing_behind() -> None:
    # long enough for all to have begun: what is sent to a connection that was ended resets it, answer and all
    roomy = Guard(GuardLimits(head_deadline_seconds=3, max_connections=600))
    async with served(_echo, roomy) as listening, AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(_connected(listening)) for _ in range(500)]
        for client in slow:
            client.send(b"GET / HT")

        answers = await asyncio.gather(*(client.rest() for client in slow))

        assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
    assert roomy.refused["head_deadline"] == 500
    assert not roomy.connections


async def test_server_ends_in_time_although_a_client_stalls() -> None:
    patient = Guard(GuardLimits(body_deadline_seconds=60))
    async with AsyncExitStack() as stack:
        async with served(_echo, patient) as listening:
            client = await stack.enter_async_context(_connected(listening))
            client.send(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\na")
            begun = time.monotonic()

        assert time.monotonic() - begun < 8
