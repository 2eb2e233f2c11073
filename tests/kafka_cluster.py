"""Three real Kafka brokers for tests, each a process of its own that may be killed; what one of them took, all have."""

import base64
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka_broker import KafkaBroker, Seat, fetch_jars, free_ports
from tests.waiting import eventually

_T = TypeVar("_T")

NODES: Final = (1, 2, 3)
_PROPERTIES: Final = """
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
"""


@dataclass(frozen=True, slots=True)
class Copies:
    """One partition: which brokers hold it, which of them have all of it, and which one leads (-1: none)."""

    leader: int
    replicas: frozenset[int]
    in_sync: frozenset[int]


class KafkaCluster:
    """Brokers by their node id. Any two of them are a quorum."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2 * len(NODES))
        controllers = ports[len(NODES) :]
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in zip(NODES, controllers, strict=True))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        common = _PROPERTIES.format(voters=voters)

        def broker(index: int) -> KafkaBroker:
            home = folder / str(NODES[index])
            home.mkdir()
            return KafkaBroker(home, Seat(NODES[index], ports[index], controllers[index], cluster, common))

        with ThreadPoolExecutor() as pool:
            self.brokers = dict(zip(NODES, pool.map(broker, range(len(NODES))), strict=True))

    @property
    def servers(self) -> str:
        """Where clients find it."""
        return ",".join(broker.servers for broker in self.brokers.values())

    def start(self) -> None:
        """Start all and wait until each accepts connections."""
        for broker in self.brokers.values():
            broker.launch()
        for broker in self.brokers.values():
            broker.wait_started()

    def kill(self) -> None:
        """``kill -9`` for all."""
        for broker in self.brokers.values():
            broker.kill()

    async def copies(self, topic: str) -> dict[int, Copies]:
        """Each partition of a topic."""
        described = (await self._ask(lambda client: client.describe_topics([topic])))[0]
        return {
            row["partition"]: Copies(row["leader"], frozenset(row["replicas"]), frozenset(row["isr"]))
            for row in described["partitions"]
        }

    async def coordinator(self, group: str) -> int:
        """The broker that coordinates a group."""
        return await self._ask(lambda client: client.find_coordinator(group))

    async def alive(self) -> frozenset[int]:
        """The brokers that the others take for alive; a killed one still for a while."""
        described = await self._ask(lambda client: client.describe_cluster())
        return frozenset(row["node_id"] for row in described["brokers"])

    async def _ask(self, question: Callable[[AIOKafkaAdminClient], Awaitable[_T]]) -> _T:
        """The client asks one broker at random and does not heal, so it is made anew until one answers."""
        answers: list[_T] = []

        async def answered() -> bool:
            with suppress(KafkaError, OSError, TimeoutError):
                async with self._client() as client:
                    answers.append(await question(client))
            return bool(answers)

        await eventually(answered, within_seconds=20, what="a broker answers")
        return answers[0]

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(bootstrap_servers=self.servers, request_timeout_ms=4_000)
        try:
            await client.start()
            yield client
        finally:
            await client.close()


@contextmanager
def running_cluster() -> Iterator[KafkaCluster]:
    """A started cluster with an empty log; ended and deleted at the end."""
    fetch_jars()
    folder = Path(tempfile.mkdtemp(prefix="tragt-kafka-cluster-"))
    try:
        cluster = KafkaCluster(folder)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
