"""The faults: each part killed in turn, one worker stopped until its claims are others', and continued as a zombie."""

import asyncio
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.clock import SystemClock, to_datetime
from tests.chaos.cluster import PROCESSES, Running
from tests.chaos.senders import Senders

_ZOMBIE_SECONDS: Final = 7.0
"""Longer than leases and sessions: what it held is others' when it goes on."""
_OUTAGE_SECONDS: Final = (0.2, 2.0)
_CALM_SECONDS: Final = (1.0, 3.0)


@dataclass(slots=True)
class Faults:
    """Delivers faults from a seed until told to stop."""

    product: Running
    senders: Senders
    seed: int
    delivered: Counter[str] = field(default_factory=Counter)
    healed_at: datetime | None = None

    async def run(self, for_seconds: float) -> None:
        """Hurt one part after another for a time; whatever was hurt is healed when this returns."""
        rng = random.Random(self.seed)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + for_seconds
        targets = [*PROCESSES, "postgres", *(["broker"] if self.product.broker else []), "zombie"]
        while loop.time() < deadline:
            rng.shuffle(targets)
            for target in targets:
                if loop.time() >= deadline:
                    break
                self.senders.hurt = True
                await self._hurt(target, rng)
                self.senders.hurt = False
                self.healed_at = to_datetime(SystemClock().now())
                await asyncio.sleep(rng.uniform(*_CALM_SECONDS))

    async def _hurt(self, target: str, rng: random.Random) -> None:
        outage = rng.uniform(*_OUTAGE_SECONDS)
        match target:
            case "zombie":
                await self._zombie()
            case "broker":
                self.delivered[target] += self.product.kill(target)
                await asyncio.sleep(outage)
                await asyncio.to_thread(self.product.revive_broker)
            case _:
                self.delivered[target] += self.product.kill(target)
                await asyncio.sleep(outage)

    async def _zombie(self) -> None:
        pid = self.product.signal("scoring_b", signal.SIGSTOP)
        if pid is None:
            return
        await asyncio.sleep(_ZOMBIE_SECONDS)
        self.delivered["zombie"] += self.product.signal("scoring_b", signal.SIGCONT) == pid
