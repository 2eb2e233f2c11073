"""Load by a schedule that waits for nobody: a request is due when it is due, and its latency counts from then.

So a slow answer cannot hide how long those behind it would have waited. Those who wait too long give up and hang up.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_TICK_SECONDS: Final = 0.001
GIVEN_UP: Final = 0
"""The status of a request that was not answered in time."""


@dataclass(slots=True)
class Answered:
    """What became of the requests: the seconds from when each was due, by status."""

    seconds: dict[int, list[float]] = field(default_factory=dict)

    def add(self, status: int, seconds: float) -> None:
        """One more."""
        self.seconds.setdefault(status, []).append(seconds)

    def count(self, status: int) -> int:
        """How many were answered so."""
        return len(self.seconds.get(status, ()))


def p99(seconds: list[float]) -> float:
    """What 99 of 100 stay below."""
    return sorted(seconds)[int(len(seconds) * 0.99)]


class _Client(asyncio.Protocol):
    def __init__(self, flow: "OpenLoad") -> None:
        self._flow = flow
        self.transport: asyncio.Transport | None = None
        self._buffer = b""
        self.due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._flow.free(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._flow.lose(self)

    def send(self, due: float, request: bytes) -> None:
        assert self.transport is not None
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(rest) < length or self.due is None:
            return
        self._flow.answered.add(int(head[9:12]), time.perf_counter() - self.due)
        self.due, self._buffer = None, rest[length:]
        self._flow.free(self)


class OpenLoad:
    """So many requests a second over kept connections to one port, from ``requests``, which must not end."""

    def __init__(self, port: int, requests: Iterator[bytes], rate: float, connections: int, patience: float) -> None:
        self._port = port
        self._requests = requests
        self._rate = rate
        self._connections = connections
        self._patience = patience
        self._clients: set[_Client] = set()
        self._idle: list[_Client] = []
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._is_over = False
        self.answered = Answered()

    async def run(self, seconds: float) -> Answered:
        """Send for so long, and wait for what is under way."""
        for _ in range(self._connections):
            await self._connect()
        begun = time.perf_counter()
        sent = 0
        while (now := time.perf_counter()) < begun + seconds:
            for number in range(sent, int((now - begun) * self._rate)):
                self._waiting.append((begun + number / self._rate, next(self._requests)))
                sent += 1
            while self._idle and self._waiting:
                self._idle.pop().send(*self._waiting.popleft())
            await self._give_up(now)
            await asyncio.sleep(_TICK_SECONDS)
        while self._is_waited_for() and time.perf_counter() < now + self._patience:  # noqa: ASYNC110 -- told too often
            await asyncio.sleep(_TICK_SECONDS)
        self._is_over = True
        for client in list(self._clients):
            if client.transport is not None:
                client.transport.abort()
        return self.answered

    def free(self, client: _Client) -> None:
        """It can send the next one."""
        if self._waiting and not self._is_over:
            client.send(*self._waiting.popleft())
        else:
            self._idle.append(client)

    def lose(self, client: _Client) -> None:
        """It was cut off."""
        self._clients.discard(client)
        if client in self._idle:
            self._idle.remove(client)
        if client.due is not None and not self._is_over:
            self.answered.add(GIVEN_UP, time.perf_counter() - client.due)

    def _is_waited_for(self) -> bool:
        return any(client.due is not None for client in self._clients)

    async def _connect(self) -> None:
        _, client = await asyncio.get_running_loop().create_connection(lambda: _Client(self), "127.0.0.1", self._port)
        self._clients.add(client)

    async def _give_up(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] < now - self._patience:
            due, _ = self._waiting.popleft()
            self.answered.add(GIVEN_UP, now - due)
        late = [client for client in self._clients if client.due is not None and client.due < now - self._patience]
        for client in late:
            assert client.transport is not None
            client.transport.abort()
            self._clients.discard(client)
            await self._connect()
