"""Who may send how much: a rate for each key and each workspace, and a fair share of what waits for the log.

In the memory of this process, so it costs nothing to ask; a cluster of n doors lets n times as much in.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from services.ingest.domain.rate import Bucket, Rates
from shared.access import Principal
from shared.errors import RateLimited, Unavailable

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields of an answer."""

_NO_ADVICE: Final[Fields] = ()
_ANY: Final = 2**62


class _Limit(NamedTuple):
    """One bucket, by what it is of, and how its policy reads."""

    name: str
    policy: str
    bucket: Bucket


class Allowances:
    """Counts items by key and workspace, and the bytes of each workspace that wait to be durable.

    ``max_waiting_bytes`` is what may wait in all; ``monotonic`` gives seconds that never go back.
    """

    def __init__(self, rates: Rates, max_waiting_bytes: int, monotonic: Callable[[], float]) -> None:
        self._rates = rates
        self._max_waiting_bytes = max_waiting_bytes
        self._monotonic = monotonic
        self._limits: dict[str, tuple[int | None, Sequence[_Limit]]] = {}
        self._workspaces: dict[str, _Limit] = {}
        self._waiting: dict[str, int] = {}
        self._waiting_bytes = 0

    def are_ample(self, principal: Principal) -> bool:
        """Whether neither a rate nor room is nearly used up, so that nothing else need be asked: the usual case."""
        for limit in self._of(principal):
            bucket = limit.bucket
            if bucket.left * 2 < bucket.burst:
                return False
        return not self.is_crowded()

    def is_crowded(self) -> bool:
        """Whether so much waits that shares of it are looked at."""
        return self._waiting_bytes * 2 >= self._max_waiting_bytes

    def advice(self, principal: Principal) -> Fields:
        """What is left, as header fields, when it is less than half: who is far from a limit need not hear of it."""
        low = [limit for limit in self._of(principal) if limit.bucket.is_low()]
        if not low:
            return _NO_ADVICE
        now = self._monotonic()
        for limit in low:
            limit.bucket.refill(now)
        told = [limit for limit in low if limit.bucket.is_low()]
        if not told:
            return _NO_ADVICE
        return (
            (b"ratelimit-policy", ", ".join(limit.policy for limit in told).encode()),
            (b"ratelimit", ", ".join(map(_left_of, told)).encode()),
        )

    def check(self, principal: Principal) -> None:
        """Let a request in, or not, before its items are decoded. Ask for ``advice`` first, which looks at the clock.

        Raises RateLimited; Unavailable while much waits and the workspace has its share of it.
        """
        for limit in self._of(principal):
            wait = limit.bucket.wait_seconds()
            if wait > 0:
                detail = f"this {limit.name} sends more than {limit.bucket.rate:g} items a second"
                raise RateLimited(detail, math.ceil(wait))
        self.check_room(principal)

    def check_room(self, principal: Principal) -> None:
        """The half of it that looks at what waits, for who may be faster than the rate. Raises Unavailable."""
        if not self.is_crowded():
            return
        waiting = self._waiting.get(principal.workspace_text, 0)
        # Of n that wait each has a part of n + 1, so that there is always room for one who comes.
        if waiting and waiting >= self._max_waiting_bytes / (len(self._waiting) + 1):
            raise Unavailable("too much of this workspace waits to be stored; send it again")

    def charge(self, principal: Principal, items: int) -> None:
        """So many items came."""
        for limit in self._of(principal):
            bucket = limit.bucket  # written out, as every request comes by here
            left = bucket.left - items
            bucket.left = left if left > bucket.floor else bucket.floor  # noqa: FURB136 -- as above

    def spare(self, principal: Principal) -> int:
        """How many items a job may send now: what is beyond half of every allowance, none while much waits.

        So whoever sends live always finds half of it, however much is imported meanwhile.
        """
        if self.is_crowded():
            return 0
        now, spare = self._monotonic(), _ANY
        for limit in self._of(principal):
            bucket = limit.bucket
            bucket.refill(now)
            spare = min(spare, math.ceil(bucket.left - bucket.burst / 2))
        return max(0, spare)

    def hold(self, workspace: str, size: int) -> None:
        """So many bytes of the workspace wait to be durable."""
        self._waiting_bytes += size
        self._waiting[workspace] = self._waiting.get(workspace, 0) + size

    def release(self, workspace: str, size: int) -> None:
        """They no longer wait."""
        self._waiting_bytes -= size
        left = self._waiting.pop(workspace) - size
        if left:
            self._waiting[workspace] = left

    def _of(self, principal: Principal) -> Sequence[_Limit]:
        known = self._limits.get(principal.key_prefix)
        if known is None or known[0] != principal.items_per_second:
            known = self._limits[principal.key_prefix] = (principal.items_per_second, self._made(principal))
        return known[1]

    def _made(self, principal: Principal) -> Sequence[_Limit]:
        of_key = principal.items_per_second or self._rates.key_items
        of_workspace = self._rates.workspace_items
        made = [self._limit("key", of_key)] if of_key else []
        if of_workspace:
            workspace = principal.workspace_text
            if workspace not in self._workspaces:
                self._workspaces[workspace] = self._limit("workspace", of_workspace)
            made.append(self._workspaces[workspace])
        return made

    def _limit(self, name: str, rate: int) -> _Limit:
        seconds = self._rates.burst_seconds
        policy = f'"{name}";q={rate * seconds};qu="items";w={seconds}'
        return _Limit(name, policy, Bucket.full(rate, seconds, self._monotonic()))


def unlimited() -> Allowances:
    """For what is not sent by clients."""
    return Allowances(Rates(key_items=0, workspace_items=0, burst_seconds=1), _ANY, lambda: 0.0)


def _left_of(limit: _Limit) -> str:
    bucket = limit.bucket
    return f'"{limit.name}";r={max(0, int(bucket.left))};t={math.ceil(bucket.full_in_seconds())}'
