"""Load over kept connections: each sends the next request as soon as it has its answer, until all are sent."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What is left to send, and what was answered, by status."""

    requests: Iterator[bytes]
    answers: Counter[int] = field(default_factory=Counter)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._load.busy += 1
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._load.answers[int(head[9:12])] += 1
        self._buffer = rest[length:]
        self._next()

    def _next(self) -> None:
        request = next(self._load.requests, None)
        assert self._transport is not None
        if request is not None:
            self._transport.write(request)
            return
        self._transport.close()
        self._load.busy -= 1
        if not self._load.busy:
            self._load.finished.set()


async def send_all(port: int, requests: Sequence[bytes], connections: int) -> Counter[int]:
    """Send all over so many connections; how many answers of each status came."""
    load = Load(iter(requests))
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port)
    async with asyncio.timeout(300):
        await load.finished.wait()
    return load.answers


def post(body: bytes, key: str, path: str = "/v1/touchpoints", content_type: str = "application/json") -> bytes:
    """A request as a client on a kept connection sends it."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: benchmark/1\r\naccept: */*\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
