"""One request and its answer as plain values, so that the same route runs behind the raw server and behind FastAPI."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.errors import TragtError
from shared.http import cors
from shared.http.problems import Problem, problem_of
from shared.instruments import INGEST_TURNED_AWAY
from shared.telemetry import Telemetry

Headers = list[tuple[bytes, bytes]]

_NO_CONTENT: Final = 204
_JSON: Final = (b"content-type", b"application/json")


@dataclass(slots=True)
class Call:
    """A request with its whole body. ``headers`` by lower-case name; of repeated ones the last. ``peer`` is
    the address of its connection, empty where that is not known.

    ``advice`` are header fields that its answer is to have, whatever the answer is.
    """

    headers: Mapping[bytes, bytes]
    query: bytes
    body: bytes
    peer: str = ""
    advice: Sequence[tuple[bytes, bytes]] = ()

    @classmethod
    def of(cls, scope: Mapping[str, Any], body: bytes = b"") -> "Call":
        """The call that an ASGI scope describes."""
        client = scope.get("client")
        return cls(dict(scope["headers"]), scope["query_string"], body, client[0] if client else "")

    def take_body(self) -> bytes:
        """The body, which is then let go: what waits for the log need not hold it."""
        body, self.body = self.body, b""
        return body

    def header(self, name: bytes) -> bytes | None:
        """The header of that lower-case name."""
        return self.headers.get(name)


@dataclass(slots=True)
class Answer:
    """Status, body and the headers that belong to the body."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=lambda: [_JSON])


Endpoint = Callable[[Call], Awaitable[Answer]]
"""A route: takes a call, answers or raises an error of ours."""


def answer_of(problem: Problem) -> Answer:
    """The answer that tells a problem."""
    headers = [(name.encode(), value.encode()) for name, value in problem.headers().items()]
    return Answer(problem.status, problem.body(), headers)


def preflight(call: Call) -> Answer:
    """What a browser is told before it posts from another site, or a webhook before it delivers (CloudEvents).

    Every webhook may: what it delivers without a good key is turned away.
    """
    webhook = call.header(b"webhook-request-origin")
    if webhook is not None and call.header(b"access-control-request-method") is None:
        consent = [(b"webhook-allowed-origin", webhook), (b"webhook-allowed-rate", b"*")]
        return Answer(200, b"", [(b"allow", b"POST"), *consent])
    requested = call.header(b"access-control-request-headers")
    return Answer(200, b"", cors.preflight_headers(requested, b"GET, POST, OPTIONS"))


async def answered(endpoint: Endpoint, call: Call, telemetry: Telemetry) -> Answer:
    """What the endpoint answers, its errors as problems."""
    try:
        return await endpoint(call)
    except TragtError as error:
        return turned_away(error, telemetry)


def turned_away(error: TragtError, telemetry: Telemetry) -> Answer:
    """The answer to a request refused whole, of which nothing is kept; counted."""
    problem = problem_of(error)
    telemetry.count(INGEST_TURNED_AWAY, 1, (problem.code,))
    return answer_of(problem)


def headers_of(call: Call, answer: Answer) -> Headers:
    """All headers of an answer: its own, its length, and what a browser of another site needs."""
    length = [] if answer.status == _NO_CONTENT else [(b"content-length", b"%d" % len(answer.body))]
    return [*answer.headers, *length, *call.advice, *cors.headers_for(call.header(b"origin"))]
