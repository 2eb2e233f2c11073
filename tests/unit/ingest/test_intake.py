"""Bodies within bounds, each and all together."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from services.ingest.api.intake import ClientGone, Intake
from shared.errors import TooLarge, Unavailable


def _receive(*parts: bytes, complete: bool = True) -> Callable[[], Awaitable[Any]]:
    def messages() -> Iterator[dict[str, Any]]:
        for number, part in enumerate(parts, 1):
            yield {"type": "http.request", "body": part, "more_body": not complete or number < len(parts)}
        yield {"type": "http.disconnect"}

    following = messages()

    async def receive() -> Any:
        return next(following)

    return receive


@pytest.mark.parametrize("parts", [(b"abc",), (b"a", b"b", b"c"), (b"", b"abc", b"")])
async def test_parts_are_one_body(parts: tuple[bytes, ...]) -> None:
    assert await Intake(10, 10).read(_receive(*parts)) == b"abc"


async def test_body_that_grows_too_large_is_refused_and_forgotten() -> None:
    intake = Intake(3, 3)

    with pytest.raises(TooLarge):
        await intake.read(_receive(b"ab", b"cd"))

    assert await intake.read(_receive(b"abc")) == b"abc"


async def test_what_is_held_bounds_what_comes_until_it_is_released() -> None:
    intake = Intake(10, 5)
    first = await intake.read(_receive(b"abcd"))

    with pytest.raises(Unavailable):
        await intake.read(_receive(b"ef"))
    intake.give_back(len(first))

    assert await intake.read(_receive(b"abcde")) == b"abcde"


async def test_client_that_hangs_up_leaves_nothing_held() -> None:
    intake = Intake(10, 5)

    with pytest.raises(ClientGone):
        await intake.read(_receive(b"abcd", complete=False))

    assert await intake.read(_receive(b"abcde")) == b"abcde"
