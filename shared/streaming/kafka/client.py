"""Starting and ending the clients of aiokafka within a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from shared.errors import Misconfigured, Unavailable

START_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 2.0


async def started(client: Any, seconds: float = START_SECONDS) -> Any:
    """Start a producer, consumer or admin of aiokafka. Raises Unavailable, with nothing left behind."""
    try:
        async with asyncio.timeout(seconds):
            await client.start()
    except (KafkaError, OSError, TimeoutError) as error:
        await ended(client)
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}: {error}") from error
    except BaseException:
        await ended(client)
        raise
    return client


async def ended(client: Any) -> None:
    """Close a consumer or admin; one that does not end in time is dropped (aiokafka #773)."""
    ending = getattr(client, "stop", None) or client.close
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ending()


async def abandoned(producer: AIOKafkaProducer) -> None:
    """End a producer without delivering what it holds.

    Its own ``stop`` waits for every batch, and an idempotent batch never gives up (aiokafka #1101): so first cut its
    connections, end the task that would send on, fail what it holds, and only then stop it.
    """
    sender = producer._sender.sender_task
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.client.close()
            if sender is not None:
                sender.cancel()
                await asyncio.wait({sender})
    producer._message_accumulator.fail_all(Unavailable("the client was abandoned"))
    await ended(producer)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Raises Unavailable for every error of the client inside the block, and for taking longer than a start may."""
    try:
        async with asyncio.timeout(START_SECONDS):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}: {error}") from error


@asynccontextmanager
async def administering(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for one question: it does not heal, and it is asked seldom. Raises Unavailable."""
    client = await started(AIOKafkaAdminClient(bootstrap_servers=servers))
    try:
        async with answering():
            yield client
    finally:
        await ended(client)


async def partition_count(servers: str, topic: str) -> int:
    """How many partitions a topic has. Raises Misconfigured when there is none, Unavailable."""
    async with administering(servers) as client:
        described = (await client.describe_topics([topic]))[0]
    if described["error_code"]:
        error = for_code(described["error_code"]).__name__
        raise Misconfigured(f"Kafka has no topic {topic} ({error}): run `tragt migrate` and start the services once")
    return len(described["partitions"])
