"""Posting touchpoints in batches until the door has stored them all, whatever happens in between."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import httpx
import msgspec

from services.cli.demo.diary import Json
from shared.errors import Unavailable

BATCH: Final = 500
"""Items per request: about a quarter of the door's limit in bytes."""

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 10.0
RETRY: Final = frozenset({429, 502, 503, 504})


@dataclass(slots=True, kw_only=True)
class Sent:
    """What became of it. ``retries`` counts requests repeated after a refusal or a broken connection."""

    accepted: int = 0
    retries: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)


class Sender:
    """Sends batches one after another, so that they arrive in order.

    A batch that the door could not store (429, 5xx of gateways, no connection) is sent again: after ``Retry-After``
    when it says so, else with growing pauses, for at most ``patience_seconds`` per batch; then ``Unavailable``.
    Repeating is safe because every touchpoint has its id. ``pause`` waits that many seconds and returns True to give
    up at once.
    """

    def __init__(
        self,
        client: httpx.Client,
        write_key: str,
        *,
        patience_seconds: float = 120.0,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {write_key}", "Content-Type": "application/json"}
        self._patience_seconds = patience_seconds
        self._pause = pause or threading.Event().wait

    def send(self, touchpoints: Iterable[Json], advance: Callable[[int], None]) -> Sent:
        """Send them all; ``advance`` is told the number of touchpoints done after each batch.

        Raises Unavailable when the door stays shut and httpx.HTTPStatusError when it refuses a whole request for good.
        """
        sent = Sent()
        for batch in _batches(touchpoints):
            answer = self._post(msgspec.json.encode({"touchpoints": batch}), sent)
            sent.accepted += answer.get("accepted", 0)
            sent.rejected.extend(answer.get("rejected", ()))
            advance(len(batch))
        return sent

    def _post(self, body: bytes, sent: Sent) -> dict[str, Any]:
        waited, wait = 0.0, FIRST_WAIT_SECONDS
        while True:
            response = self._try(body)
            if response is not None and response.status_code not in RETRY:
                return _read(response)
            pause = max(wait, _retry_after(response))
            if waited + pause > self._patience_seconds or self._pause(pause):
                raise Unavailable(f"the door did not take a batch for {waited:.0f} s; is `tragt up` running?")
            sent.retries += 1
            waited, wait = waited + pause, min(wait * 2, LONGEST_WAIT_SECONDS)

    def _try(self, body: bytes) -> httpx.Response | None:
        try:
            return self._client.post("/v1/touchpoints", content=body, headers=self._headers)
        except httpx.TransportError:
            return None


def _read(response: httpx.Response) -> dict[str, Any]:
    """The per-item answer; 422 has one too when every item of the batch was refused."""
    if response.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
        response.raise_for_status()
    answer: dict[str, Any] = msgspec.json.decode(response.content)
    return answer


def _retry_after(response: httpx.Response | None) -> float:
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return float(text) if text.isdigit() else 0.0


def _batches(touchpoints: Iterable[Json]) -> Iterator[list[Json]]:
    remaining = iter(touchpoints)
    while batch := list(islice(remaining, BATCH)):
        yield batch
