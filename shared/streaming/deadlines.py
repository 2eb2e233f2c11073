"""Ends waits that last too long, with one timer for all of them: one each costs more than the append it watches."""

import asyncio
from typing import Final

from shared.errors import Unavailable

_LATE_SECONDS: Final = 0.02
"""How much later than its deadline a wait may end, so that those that end together share a wake-up."""


class Deadlines:
    """Futures of one loop in the order they were begun, each of which is done within ``seconds`` or raises."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun: dict[asyncio.Future[None], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._running_loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> tuple[asyncio.Future[None], float]:
        """A new future and its deadline by the loop's time. ``end`` it whatever happens."""
        loop = self._loop()
        future = loop.create_future()
        deadline = self._begun[future] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._expire)
        return future, deadline

    def end(self, future: asyncio.Future[None]) -> None:
        """Its caller waits no longer."""
        self._begun.pop(future, None)

    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: asking asks the kernel too."""
        if self._running_loop is None:
            self._running_loop = asyncio.get_running_loop()
        return self._running_loop

    def _expire(self) -> None:
        self._timer = None
        loop = self._loop()
        while self._begun:
            future, deadline = next(iter(self._begun.items()))
            if deadline > loop.time():
                self._timer = loop.call_at(deadline + _LATE_SECONDS, self._expire)
                return
            del self._begun[future]
            if not future.done():
                future.set_exception(Unavailable("the log did not confirm in time"))
