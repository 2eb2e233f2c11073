"""Senders: post batches, note every attempt in an fsynced history, send again until accepted, sometimes once more."""

import asyncio
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import httpx
import msgspec

from tests.chaos.history import Sent

BATCH: Final = 40
_TIMEOUT_SECONDS: Final = 15.0
_LONGEST_PAUSE: Final = 1.0
_DUPLICATES: Final = 0.05


@dataclass(slots=True)
class Tally:
    """What the senders saw."""

    attempts: int = 0
    accepted_requests: int = 0
    accepted_during_faults: int = 0
    refused_requests: int = 0
    failures: int = 0
    duplicates: int = 0
    longest_seconds: float = 0.0


@dataclass(slots=True)
class Book:
    """The history of all attempts, one JSON object a line, on disk before the next attempt begins."""

    path: Path
    file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.file = self.path.open("ab")

    def note(self, line: dict[str, Any]) -> None:
        """Write a line and wait for the disk."""
        self.file.write(msgspec.json.encode(line) + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self) -> None:
        """Nothing is noted any more."""
        self.file.close()

    def read(self) -> list[dict[str, Any]]:
        """All lines."""
        return [msgspec.json.decode(line) for line in self.path.read_bytes().splitlines()]


@dataclass(slots=True)
class Senders:
    """Several senders at work on one list of items; ``hurt`` says whether a fault is under way."""

    address: str
    key: str
    book: Book
    seed: int
    tally: Tally = field(default_factory=Tally)
    hurt: bool = False

    async def run(self, items: Sequence[Sent], count: int, over_seconds: float) -> None:
        """Send everything, spread over a time; returns when each item was accepted or refused by name."""
        batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        queue: asyncio.Queue[tuple[float, Sequence[Sent]]] = asyncio.Queue()
        for place, batch in enumerate(batches):
            queue.put_nowait((began + over_seconds * place / len(batches), batch))
        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                tasks.create_task(self._sender(number, queue))

    async def _sender(self, number: int, queue: "asyncio.Queue[tuple[float, Sequence[Sent]]]") -> None:
        rng = random.Random(f"{self.seed}-{number}")
        loop = asyncio.get_running_loop()
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            while not queue.empty():
                due, batch = queue.get_nowait()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._deliver(client, batch, rng)
                if rng.random() < _DUPLICATES:
                    self.tally.duplicates += 1
                    await self._attempt(client, batch)

    async def _deliver(self, client: httpx.AsyncClient, batch: Sequence[Sent], rng: random.Random) -> None:
        pause = 0.05
        began = asyncio.get_running_loop().time()
        while not await self._attempt(client, batch):
            await asyncio.sleep(pause * rng.random())
            pause = min(pause * 2, _LONGEST_PAUSE)
        self.tally.longest_seconds = max(self.tally.longest_seconds, asyncio.get_running_loop().time() - began)

    async def _attempt(self, client: httpx.AsyncClient, batch: Sequence[Sent]) -> bool:
        self.tally.attempts += 1
        ids = [one.id for one in batch]
        self.book.note({"sent": ids})
        try:
            answer = await client.post(
                f"{self.address}/v1/touchpoints",
                headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
                content=json.dumps({"touchpoints": [one.item for one in batch]}),
            )
        except httpx.HTTPError as error:
            self.tally.failures += 1
            self.book.note({"failed": ids, "error": type(error).__name__})
            return False
        return self._judge(answer, ids)

    def _judge(self, answer: httpx.Response, ids: list[str]) -> bool:
        if answer.status_code in {200, 422}:
            rejected = (
                [ids[one["index"]] for one in answer.json().get("rejected", [])] if answer.status_code == 200 else ids
            )
            self.book.note({"accepted": [one for one in ids if one not in rejected], "rejected": rejected})
            self.tally.accepted_requests += 1
            self.tally.accepted_during_faults += self.hurt
            return True
        self.tally.refused_requests += 1
        self.book.note({"failed": ids, "status": answer.status_code})
        return False
