"""A sender that never gives up, and remembers what it was promised."""

import asyncio

from shared.errors import Unavailable
from shared.streaming.ports import Producer
from shared.streaming.types import Append


class Sender:
    """Appends numbers without end, each again until it is acknowledged, and remembers which were."""

    def __init__(self, producer: Producer, topic: str, partitions: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self.acknowledged: list[int] = []
        self.refused = 0
        self._stop = asyncio.Event()

    async def run(self) -> None:
        number = 0
        while not self._stop.is_set():
            records = [Append(n % self._partitions, b"%d" % n) for n in range(number, number + 5)]
            try:
                await self._producer.append(self._topic, records)
            except Unavailable:
                self.refused += 1
                await asyncio.sleep(0)
            else:
                self.acknowledged += range(number, number + 5)
                number += 5

    def stop(self) -> None:
        self._stop.set()
