"""What stands between a socket and the application: deadlines and sizes that uvicorn does not have.

A request's head must be complete within its deadline (counted from the connection, or from its first byte on a kept
connection) and be small; its body must be complete within its own deadline and be small too; a reader that stops
reading is cut; connections are capped. Whoever breaks a limit is told so in one answer and cut off. Deadlines are
checked by one sweep for all connections, so that a good request pays for none of them with a timer.
"""

import asyncio
import ipaddress
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from httptools import HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.http.problems import Problem, http_problem
from shared.instruments import HTTP_REFUSED
from shared.telemetry import Telemetry

_SWEEP_SECONDS: Final = 0.25
_LINGER_SECONDS: Final = 2.0
_UPGRADE: Final = b"upgrade"
_HEADER_OVERHEAD: Final = len(b": \r\n")
_FRAMING: Final = 8
"""How many times its size a body may take on the wire: in chunks of one byte it takes six times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """How long and how large. The defaults suit an open port."""

    head_deadline_seconds: float = 5.0
    body_deadline_seconds: float = 10.0
    write_deadline_seconds: float = 30.0
    max_head_bytes: int = 16 * 1024
    max_headers: int = 100
    max_body_bytes: int = 1024 * 1024
    max_connections: int = 1024
    max_address_connections: int = 0
    """Of one address that is not this machine's own; 0 is as many as there may be in all."""

    streamed: bytes = b"\0"
    """How paths begin whose bodies may be of any length while they go on coming; their route reads them piecewise."""


@dataclass(slots=True)
class Guard:
    """The limits and the connections of one listening process; ``refused`` counts who was cut off, by reason.

    ``kind`` makes a connection where plain ones are not what is wanted.
    """

    limits: GuardLimits
    telemetry: Telemetry | None = None
    kind: "ConnectionKind | None" = None
    refused: Counter[str] = field(default_factory=Counter)
    by_address: Counter[str] = field(default_factory=Counter)
    connections: set["GuardedProtocol"] = field(default_factory=set)
    sweeping: asyncio.TimerHandle | None = None

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> "GuardedProtocol":
        """What uvicorn calls for each new connection; pass it as ``http=``."""
        return (self.kind or GuardedProtocol)(self, config, server_state, app_state, _loop)

    def admit(self, connection: "GuardedProtocol") -> bool:
        """Count the connection in, unless there are too many."""
        if len(self.connections) >= self.limits.max_connections or self._has_enough(connection.peer):
            return False
        self.connections.add(connection)
        self.by_address[connection.peer] += 1
        connection.is_counted = True
        if self.sweeping is None:
            self.sweeping = connection.loop.call_later(_SWEEP_SECONDS, self._sweep, connection.loop)
        return True

    def leave(self, connection: "GuardedProtocol") -> None:
        """Count it out."""
        self.connections.discard(connection)
        if connection.is_counted:
            connection.is_counted = False
            self.by_address[connection.peer] -= 1
            if not self.by_address[connection.peer]:
                del self.by_address[connection.peer]

    def _has_enough(self, peer: str) -> bool:
        most = self.limits.max_address_connections
        return bool(most) and self.by_address[peer] >= most and not _is_here(peer)

    def note(self, reason: str) -> None:
        """Somebody was cut off."""
        self.refused[reason] += 1
        if self.telemetry is not None:
            self.telemetry.count(HTTP_REFUSED, 1, (reason,))

    def may_linger(self) -> bool:
        """Whether one that was refused may stay a moment to read why; in a flood it may not."""
        return len(self.connections) < 2 * self.limits.max_connections

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [held for held in self.connections if held.deadline <= now]:
            connection.expire()
        self.sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep, loop) if self.connections else None


ConnectionKind = Callable[..., "GuardedProtocol"]
"""Makes a connection, called like ``GuardedProtocol``."""

_NEVER: Final = float("inf")


class _Unheard(list[tuple[bytes, bytes]]):
    """Where fields after a body go: nobody asks for them, and there may be no end of them."""

    def append(self, _field: tuple[bytes, bytes]) -> None:
        """Keeps nothing."""


_TRAILERS: Final = _Unheard()


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol inside the guard."""

    def __init__(
        self,
        guard: Guard,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self.deadline = _NEVER
        self.peer = ""
        self.is_counted = False
        self._guard = guard
        self._limits = guard.limits
        self._on_expiry: Callable[[], None] = self._cut
        self._has_begun = False
        self._in_head = True
        self._received = self._head_again = self._again = b""
        self._chunk_bytes = 0
        self._raw_head_bytes = 0
        self._body_bytes = 0
        self._raw_body_bytes = 0
        self._is_streamed = False
        self._is_taken = self._is_done = False

    # From the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or answer 503 when there are too many."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        if self._guard.admit(self):
            self._set_deadline(self._limits.head_deadline_seconds, self._time_out)
        else:
            self._refuse("connections", _crowded())

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self._guard.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless we are done with this client and only wait for it to hang up."""
        if self._is_done:
            return
        was_in_body = not self._in_head
        was_in_head = self._in_head and self._has_begun
        self._chunk_bytes = len(data)
        self._received = data
        while self._received and not self._is_done:
            received, self._again = self._received, b""
            super().data_received(received)
            self._received = self._again
        if was_in_head and self._in_head:
            self._raw_head_bytes += len(data)
            if self._raw_head_bytes > self._limits.max_head_bytes:
                self._refuse("head_bytes", http_problem(431))
        elif was_in_body and not self._in_head and not self._is_streamed:
            self._raw_body_bytes += len(data)
            if self._raw_body_bytes > _FRAMING * self._limits.max_body_bytes:
                self._refuse("body_bytes", _too_large(self._limits))

    def pause_writing(self) -> None:
        """The client does not read its answer; give it a while."""
        super().pause_writing()
        self._set_deadline(self._limits.write_deadline_seconds, self._cut)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self.deadline = _NEVER

    def expire(self) -> None:
        """Called by the sweep when the deadline has passed."""
        self.deadline = _NEVER
        self._on_expiry()

    # From the parser. What is refused here is refused once; the rest of the chunk falls through unused.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._has_begun = self._in_head = True
        self._is_taken = False
        self._raw_head_bytes = self._body_bytes = self._raw_body_bytes = 0
        if not self._is_done:
            self._set_deadline(self._limits.head_deadline_seconds, self._time_out)

    def on_headers_complete(self) -> None:
        """The head is in; refuse a body that says it is too large before it is sent."""
        if self._is_done:
            return
        if (
            self.parser.should_upgrade()
            and (others := [one for one in self.headers if one[0] != _UPGRADE]) != self.headers
        ):
            self._head_again = self._head_of(others)
            return
        self._in_head = False
        self._is_streamed = self.url.startswith(self._limits.streamed)
        if self._is_head_too_large():
            self._refuse("head_bytes", http_problem(431))
        elif self._announced_bytes() > self._limits.max_body_bytes and not self._is_streamed:
            self._refuse("body_bytes", _too_large(self._limits))
        else:
            self._set_deadline(self._limits.body_deadline_seconds, self._time_out)
            self.take_head()
            self._is_taken = True
            self.headers = _TRAILERS

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        if self._is_done:
            return
        if self._is_streamed and not self._is_answered():
            self._set_deadline(self._limits.body_deadline_seconds, self._time_out)
        else:
            self._body_bytes += len(body)
        if self._body_bytes > self._limits.max_body_bytes:
            self._refuse("body_bytes", _too_large(self._limits))
        else:
            self.take_body(body)

    def on_message_complete(self) -> None:
        """The request is in; how long the answer takes is the application's business."""
        if self._is_done or self._head_again:
            return
        self._has_begun = False
        self._in_head = True
        self.deadline = _NEVER
        self.take_end()

    def _unsupported_upgrade_warning(self) -> None:
        """Called once the parser has stopped behind a head that asks for another protocol, as Java's client does first
        of all. That may be ignored, the body behind it may not, so the request is read again without the wish."""
        head, self._head_again = self._head_again, b""
        stopped = sys.exception()
        if head and stopped is not None:
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            self._again = head + self._received[stopped.args[0] :]

    # What passed. A subclass may take requests itself instead of handing them to the application.

    def take_head(self) -> None:
        """A good head is in."""
        super().on_headers_complete()

    def take_body(self, body: bytes) -> None:
        """So is a part of its body."""
        super().on_body(body)

    def take_end(self) -> None:
        """And that was all of it."""
        super().on_message_complete()

    # Our own.

    def _set_deadline(self, seconds: float, on_expiry: Callable[[], None]) -> None:
        self.deadline = self.loop.time() + seconds
        self._on_expiry = on_expiry

    def _is_answered(self) -> bool:
        """Whether nobody reads the body any more."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _head_of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        begin = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([begin, *(name + b": " + value for name, value in headers), b"", b""])

    def _is_head_too_large(self) -> bool:
        limits = self._limits
        if len(self.headers) > limits.max_headers:
            return True
        if self._raw_head_bytes + self._chunk_bytes <= limits.max_head_bytes:
            return False
        size = len(self.url) + sum(len(name) + len(value) + _HEADER_OVERHEAD for name, value in self.headers)
        return size > limits.max_head_bytes

    def _announced_bytes(self) -> int:
        for name, value in self.headers:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0

    def _time_out(self) -> None:
        if self.flow.read_paused:  # it is we who are slow
            self._set_deadline(self._limits.body_deadline_seconds, self._time_out)
        elif not self._has_begun:  # it never said anything, so there is nothing to answer
            self._guard.note("silence")
            self._cut()
        else:
            self._refuse("head_deadline" if self._in_head else "body_deadline", http_problem(408))

    def _refuse(self, reason: str, problem: Problem) -> None:
        """Answer once and hang up: first our side, so that the answer is read, then wholly after a short while."""
        if self._is_done:
            return
        self._is_done = True
        self._guard.note(reason)
        was_answered = self._is_taken and self._is_answered()  # by its head, so there is nothing left to answer
        if self._drop_cycle() and not was_answered:
            self.transport.write(_raw_answer(problem, self._origin()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self._guard.may_linger():
            self._guard.connections.add(self)
            self._set_deadline(_LINGER_SECONDS, self._cut)
        else:
            self.transport.close()

    def _drop_cycle(self) -> bool:
        """Tell a running request that its client is gone; whether nothing was answered yet, so that we may."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            return True
        cycle.disconnected = True
        cycle.message_event.set()
        return not cycle.response_started

    def _origin(self) -> bytes | None:
        scope = cast("dict[str, Any] | None", self.scope)
        headers: list[tuple[bytes, bytes]] = scope["headers"] if scope is not None else []
        return next((value for name, value in headers if name == b"origin"), None)

    def _cut(self) -> None:
        self._is_done = True
        self.transport.abort()


def _is_here(peer: str) -> bool:
    """Whether it is this machine, or no address at all (a socket of this machine's)."""
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return True


def _crowded() -> Problem:
    return Problem(status=503, code="too_many_connections", detail="Come again shortly.", retry_after_seconds=1)


def _too_large(limits: GuardLimits) -> Problem:
    detail = f"A request takes at most {limits.max_body_bytes} bytes; send it in smaller pieces."
    return Problem(status=413, code="too_large", detail=detail)


def _raw_answer(problem: Problem, origin: bytes | None) -> bytes:
    body = problem.body()
    head = [f"HTTP/1.1 {problem.status} {_PHRASES.get(problem.status, '')}".encode()]
    head += [f"{name}: {value}".encode() for name, value in problem.headers().items()]
    head += [b"content-length: %d" % len(body), b"connection: close"]
    if origin:
        head += [b"access-control-allow-origin: " + origin, b"vary: origin"]
    return b"\r\n".join([*head, b"", body])


_PHRASES: Final = {408: "Request Timeout", 413: "Content Too Large", 431: "Request Header Fields Too Large"}
