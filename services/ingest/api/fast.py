"""The posting routes without ASGI: their requests are answered where they are parsed, with no scope, task or message.

Two thirds of what a small request costs is that machinery. Only plain requests are taken: POST to a posting route by
HTTP/1.1 on a connection that is kept, with a length, and after the answer to the one before. All others go the ordinary
way, which stays the reference: a differential test holds the answers together byte for byte. A connection whose head
is the one before again, but for the length, is not even parsed again.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from services.ingest.api.exchange import Answer, Call, Endpoint, answer_of, answered, headers_of, turned_away
from services.ingest.api.intake import Intake
from shared.errors import TragtError
from shared.http.guard import Guard, GuardedProtocol
from shared.http.problems import problem_of
from shared.instruments import HTTP_SECONDS
from shared.telemetry import Telemetry

_UNUSUAL: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]+)\r\n", re.IGNORECASE)
_MAX_DIGITS: Final = 8
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x1f\x7f]")
_NO_CALL: Final = Call({}, b"", b"")
_KNOWN: Final = {
    "__init__": {"cycle", "flow", "headers", "loop", "parser", "pipeline", "root_path", "limit_concurrency"},
    "connection_lost": {"cycle", "disconnected", "message_event", "response_complete"},
    "shutdown": {"cycle", "keep_alive", "response_complete"},
    "on_headers_complete": {"cycle", "pipeline", "response_complete", "pause_reading"},
    "on_response_complete": {"pipeline", "timeout_keep_alive_task", "total_requests"},
    "timeout_keep_alive_handler": {"transport", "close"},
}
"""What is relied upon, by the method of uvicorn's that shows it."""


def fits(protocol: type = HttpToolsProtocol) -> bool:
    """Whether uvicorn's protocol keeps its requests where this one looks for them; otherwise it is to be left alone."""
    return all(_names_in(protocol, method) >= names for method, names in _KNOWN.items())


def _names_in(protocol: type, method: str) -> set[str]:
    code = getattr(getattr(protocol, method, None), "__code__", None)
    return set(code.co_names) if code is not None else set()


@dataclass(frozen=True, slots=True)
class FastLane:
    """What the connections of one process share. ``routes``: by path, how it is called in numbers, and its endpoint.

    ``check_early`` may turn a call away by its head, before its body is collected: that is what most of a flood is.
    """

    routes: Mapping[bytes, tuple[str, Endpoint]]
    intake: Intake
    telemetry: Telemetry
    check_early: Callable[[Call], None] = lambda _call: None

    def connection(
        self,
        guard: Guard,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> GuardedProtocol:
        """A connection that takes it; the ``kind`` of a guard."""
        return FastProtocol(self, guard, config, server_state, app_state, loop)


class _NoEvent:
    def set(self) -> None:
        """Nobody waits for it."""


class _Cycle:
    """Stands where uvicorn's cycle of the request under way would, so that what it does to one when a client hangs up,
    a request is pipelined or the server shuts down, it does to ours."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete", "response_started")

    def __init__(self) -> None:
        self.disconnected = self.response_started = False
        self.keep_alive = self.response_complete = True
        self.message_event = _NoEvent()


@dataclass(slots=True)
class _Request:
    """One that is being read: its route, its head, and how much of its body there is in parts."""

    path: str
    endpoint: Endpoint
    headers: Mapping[bytes, bytes]
    query: bytes
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a request that was taken, as bytes before and behind the digits of its length."""

    before: bytes
    behind: bytes
    request: _Request


class FastProtocol(GuardedProtocol):
    """A connection inside the guard that answers plain requests to the lane's routes itself."""

    def __init__(
        self,
        lane: FastLane,
        guard: Guard,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(guard, config, server_state, app_state, loop)
        self._lane = lane
        self._own = _Cycle()
        self._reading: _Request | None = None
        self._last_head: _Head | None = None
        self._chunk = b""
        self._answered_at = self._begun = 0.0
        self._path = ""
        self._size = 0
        self._call = _NO_CALL
        self._running: Coroutine[Any, Any, Answer] | None = None

    # From the transport.

    def data_received(self, data: bytes) -> None:
        """Take a whole request whose head we know at once; all else goes through the parser."""
        if self._is_idle():
            begin = self._end_of_last_head_in(data)
            if begin and self._last_head is not None:
                self._take_whole(self._last_head.request, data, begin)
                return
            self._chunk = data
        super().data_received(data)
        self._chunk = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was read; what is under way goes on to the log all the same."""
        if self._reading is not None:
            self._lane.intake.give_back(self._reading.size)
            self._reading = None
        super().connection_lost(exc)

    # From the guard.

    def take_head(self) -> None:
        """Decide which way the request goes."""
        chunk, self._chunk = self._chunk, b""  # only the first request in it begins it
        path, _, query = self.url.partition(b"?")
        route = self._lane.routes.get(path)
        headers = dict(self.headers)
        if route is None or not self._is_plain(headers):
            super().take_head()
            return
        request = _Request(*route, headers, query)
        self._last_head = self._learned(request, chunk)
        self._begin(request)
        try:
            self._lane.check_early(self._call)
        except TragtError as error:
            self._turn_away(error)
        else:
            self._reading = request

    def take_body(self, body: bytes) -> None:
        """Collect it within bounds."""
        request = self._reading
        if request is None:
            super().take_body(body)
            return
        request.parts.append(body)
        request.size += len(body)
        try:
            self._lane.intake.take(len(body), request.size)
        except TragtError as error:
            self._reading = None
            self._lane.intake.give_back(request.size)
            self._turn_away(error)

    def take_end(self) -> None:
        """It is all there."""
        request, self._reading = self._reading, None
        if request is None:
            super().take_end()
            return
        self._call.body = b"".join(request.parts)
        request.parts = []  # the request is kept with its head; a body each is much on a thousand connections
        self._run(request)

    # From uvicorn.

    def on_response_complete(self) -> None:
        """An answer is out, this way or the other. The timer of a kept connection is set once, not at every answer."""
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        """Hang up, unless there was a request since the timer was set."""
        left = self.timeout_keep_alive - (self.loop.time() - self._answered_at)
        if left > 0 or not self._is_idle():
            self.timeout_keep_alive_task = self.loop.call_later(max(left, 1), self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    # Our own.

    def _is_idle(self) -> bool:
        """Whether the next byte begins a request, all earlier ones are answered, and their answers are read."""
        return not self._has_begun and self._is_answered() and not self._is_done and not self.flow.write_paused

    def _is_plain(self, headers: Mapping[bytes, bytes]) -> bool:
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and b"content-length" in headers
            and _UNUSUAL.isdisjoint(headers)
            and not _UNPRINTABLE.search(headers.get(b"origin", b""))
            and self._is_answered()
            and not self.flow.write_paused
            and not self.root_path
            and self.limit_concurrency is None
        )

    def _learned(self, request: _Request, chunk: bytes) -> _Head | None:
        """How the same head again will be known, when the chunk begins with it and each of its lines is a header."""
        head = chunk[: chunk.find(b"\r\n\r\n") + 4]
        lengths = list(_LENGTH.finditer(head))
        is_clear = head.count(b"\n") == head.count(b"\r\n") == len(self.headers) + 2
        if not is_clear or not head.startswith(b"POST ") or len(lengths) != 1:
            return None
        return _Head(head[: lengths[0].start(1)], head[lengths[0].end(1) :], request)

    def _end_of_last_head_in(self, data: bytes) -> int:
        """Where the body begins, when the chunk is exactly the last head again, with a length of its own, and that much
        behind; else 0."""
        head = self._last_head
        if head is None or not data.startswith(head.before):
            return 0
        begin = len(head.before)
        end = data.find(b"\r", begin, begin + _MAX_DIGITS)
        digits = data[begin:end]
        body_begin = end + len(head.behind)
        if not digits.isdigit() or not data.startswith(head.behind, end) or len(data) - body_begin != int(digits):
            return 0
        return body_begin if int(digits) <= self._limits.max_body_bytes else 0  # more is the guard's to refuse

    def _take_whole(self, request: _Request, data: bytes, begin: int) -> None:
        self._begin(request)
        size = len(data) - begin
        try:
            self._lane.intake.take(size, size)
            self._lane.check_early(self._call)
        except TragtError as error:
            self._lane.intake.give_back(size)
            self._turn_away(error)
        else:
            self._call.body = data[begin:]
            self._run(request)

    def _begin(self, request: _Request) -> None:
        self._begun = time.perf_counter()
        self._path = request.path
        self._call = Call(request.headers, request.query, b"", self.peer)
        self._own.response_complete = False
        self.cycle = self._own  # type: ignore[assignment]

    def _turn_away(self, error: TragtError) -> None:
        self._finish(turned_away(error, self._lane.telemetry))

    def _run(self, request: _Request) -> None:
        self._size = len(self._call.body)
        self._running = answered(request.endpoint, self._call, self._lane.telemetry)
        self._step()

    def _step(self, _waited: object = None) -> None:
        """Drive the endpoint to the next future it waits for: all that a task would do, without one."""
        if self._running is None:
            return
        try:
            waited = self._running.send(None)
        except StopIteration as end:
            self._lane.intake.give_back(self._size)
            self._finish(end.value)
        except Exception as error:
            self._lane.intake.give_back(self._size)
            self.logger.exception("Exception in a posting route")
            self._finish(answer_of(problem_of(error)))
            self.transport.close()
        else:
            waited._asyncio_future_blocking = False  # what a task does with a future that it is given
            waited.add_done_callback(self._step)

    def _finish(self, answer: Answer) -> None:
        """Write the answer as uvicorn would, and be free for the next request."""
        call, cycle = self._call, self._own
        self._running, self._call = None, _NO_CALL
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        content = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *headers_of(call, answer)):
            content += (name, b": ", value, b"\r\n")
        content.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        content.append(answer.body)
        self.transport.write(b"".join(content))
        labels = ("POST", self._path, str(answer.status))
        self._lane.telemetry.observe(HTTP_SECONDS, time.perf_counter() - self._begun, labels)
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
