"""Starting and ending the clients of aiokafka within a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from shared.errors import Misconfigured, Unavailable
from shared.streaming.kafka.brokers import Brokers

REQUEST_MILLISECONDS: Final = 4_000
"""How long the client itself waits for one answer."""

_START_SECONDS: Final = 12.0
"""More than a start's requests take to give up by themselves: cutting one short leaves its socket behind."""

_ANSWER_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 2.0


async def started(client: Any) -> Any:
    """Start a producer, consumer or admin of aiokafka. Raises Unavailable, with nothing left behind."""
    starting = asyncio.create_task(client.start())
    try:
        async with asyncio.timeout(_START_SECONDS):
            await asyncio.shield(starting)
    except (KafkaError, OSError, TimeoutError) as error:
        await _end(starting)
        await ended(client)
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}: {error}") from error
    except BaseException:
        # Cutting a start short leaves its socket behind, so it gets a moment to finish.
        await asyncio.wait({starting}, timeout=_CLOSE_SECONDS)
        await _end(starting)
        await ended(client)
        raise
    return client


async def ended(client: Any) -> None:
    """Close a client. If that takes too long (aiokafka #773) its connections are cut, which ends its waiting."""
    network: Any = client.client if isinstance(client, AIOKafkaProducer) else client._client
    stopping = asyncio.create_task(client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
    done, _ = await asyncio.wait({stopping}, timeout=_CLOSE_SECONDS)
    if not done:
        await network.close()
        await asyncio.wait({stopping}, timeout=_CLOSE_SECONDS)
    await _end(stopping)
    # A connection that was being made meanwhile would stay open.
    await network.close()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it if it still runs; what it failed with is of the kind that closing may fail with, or is raised."""
    task.cancel()
    await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
    if task.done() and not task.cancelled():
        with suppress(KafkaError, OSError, TimeoutError):
            task.result()


async def abandoned(producer: AIOKafkaProducer) -> None:
    """End a producer without delivering what it holds.

    Its own ``stop`` waits for every batch, and an idempotent batch never gives up (aiokafka #1101): so first cut its
    connections, end the task that would send on, fail what it holds, and only then stop it.
    """
    sender, held = producer._sender.sender_task, producer._message_accumulator
    await producer.client.close()
    if sender is not None:
        sender.cancel()
        await asyncio.wait({sender}, timeout=_CLOSE_SECONDS)
    batches = [*held._pending_batches, *(batch for queue in held._batches.values() for batch in queue)]
    held.fail_all(Unavailable("the client was abandoned"))
    for batch in batches:
        # Whoever waits has been told; what nobody waits for must not be reported as an error never looked at.
        for future in (batch.future, batch._drain_waiter):
            if future.done() and not future.cancelled():
                future.exception()
    await ended(producer)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Raises Unavailable for every error of the client inside the block, and for taking too long."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}: {error}") from error


@asynccontextmanager
async def administering(brokers: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for one question: it does not heal, and it is asked seldom. Raises Unavailable."""
    client = await started(AIOKafkaAdminClient(**brokers, request_timeout_ms=REQUEST_MILLISECONDS))
    try:
        async with answering():
            yield client
    finally:
        await ended(client)


async def partition_count(brokers: Brokers, topic: str) -> int:
    """How many partitions a topic has. Raises Misconfigured when there is none, Unavailable."""
    async with administering(brokers) as client:
        described = (await client.describe_topics([topic]))[0]
    if described["error_code"]:
        error = for_code(described["error_code"]).__name__
        raise Misconfigured(f"Kafka has no topic {topic} ({error}): run `tragt migrate` and start the services once")
    return len(described["partitions"])
