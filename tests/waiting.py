"""Waiting for something real, with a deadline and a message; the only place in the tests that passes time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

_PAUSE_SECONDS = 0.02


def wait_until(holds: Callable[[], bool], *, within_seconds: float, what: str) -> None:
    """Return as soon as ``holds()``; AssertionError naming ``what`` when it did not in time."""
    deadline = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds} s: {what}")
        time.sleep(_PAUSE_SECONDS)  # noqa: TID251  (the one place that passes time)


async def eventually(holds: Callable[[], Awaitable[bool]], *, within_seconds: float, what: str) -> None:
    """The same for a condition that is asked asynchronously."""
    deadline = time.monotonic() + within_seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_seconds} s: {what}")
        await asyncio.sleep(_PAUSE_SECONDS)
