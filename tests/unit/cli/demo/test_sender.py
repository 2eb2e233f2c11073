from collections.abc import Callable, Iterator

import httpx
import msgspec
import pytest

from services.cli.demo.sender import BATCH, Sender
from shared.errors import Unavailable


def client_of(answers: Iterator[httpx.Response | httpx.TransportError], seen: list[httpx.Request]) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = next(answers)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    return httpx.Client(base_url="http://door.example", transport=httpx.MockTransport(handle))


def noting(pauses: list[float]) -> Callable[[float], bool]:
    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    return pause


def accepted(count: int) -> httpx.Response:
    return httpx.Response(200, json={"accepted": count, "rejected": []})


def touchpoints(count: int) -> list[dict[str, str]]:
    return [{"id": f"t{number}"} for number in range(count)]


def test_everything_is_sent_once_in_order_and_in_batches() -> None:
    seen: list[httpx.Request] = []
    steps: list[int] = []
    client = client_of(iter([accepted(BATCH), accepted(7)]), seen)

    sent = Sender(client, "tw_key").send(touchpoints(BATCH + 7), steps.append)

    assert sent.accepted == BATCH + 7
    assert steps == [BATCH, 7]
    bodies = [msgspec.json.decode(request.content)["touchpoints"] for request in seen]
    assert [item["id"] for body in bodies for item in body] == [f"t{number}" for number in range(BATCH + 7)]
    assert {request.headers["Authorization"] for request in seen} == {"Bearer tw_key"}


def test_a_shut_door_is_tried_again_after_the_time_it_asks_for() -> None:
    pauses: list[float] = []
    seen: list[httpx.Request] = []
    shut = httpx.Response(503, headers={"Retry-After": "7"})
    client = client_of(iter([shut, httpx.ConnectError("refused"), accepted(3)]), seen)

    sent = Sender(client, "tw_key", pause=noting(pauses)).send(touchpoints(3), lambda _: None)

    assert sent.accepted == 3
    assert sent.retries == 2
    assert pauses == [7.0, 1.0]
    assert len({request.content for request in seen}) == 1


def test_patience_ends() -> None:
    pauses: list[float] = []
    client = client_of(iter([httpx.Response(503) for _ in range(50)]), [])
    sender = Sender(client, "tw_key", patience_seconds=20, pause=noting(pauses))

    with pytest.raises(Unavailable):
        sender.send(touchpoints(1), lambda _: None)

    assert 10 < sum(pauses) <= 20


def test_refused_items_are_reported_even_when_all_of_a_batch_are() -> None:
    refusal = {"index": 0, "id": "t0", "code": "no_identity", "pointer": "/identity", "detail": "add a key"}
    client = client_of(iter([httpx.Response(422, json={"accepted": 0, "rejected": [refusal]})]), [])

    sent = Sender(client, "tw_key").send(touchpoints(1), lambda _: None)

    assert sent.rejected == [refusal]


def test_a_wrong_key_is_not_tried_again() -> None:
    seen: list[httpx.Request] = []

    with pytest.raises(httpx.HTTPStatusError):
        Sender(client_of(iter([httpx.Response(401)]), seen), "tw_key").send(touchpoints(1), lambda _: None)

    assert len(seen) == 1
