"""The whole product under the product's own supervisor: PostgreSQL, perhaps Kafka, the door, two scorings, metrics."""

import os
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from shared.access import KeyKind, Scope
from shared.clock import SystemClock
from shared.database.access import create_key
from shared.database.engine import connect, create_engine
from shared.database.migrate import upgrade
from shared.database.roles import Role
from shared.database.session import writing
from shared.embedded.child import Program
from shared.embedded.cluster import Cluster, open_cluster
from shared.embedded.postgres import postgres_program, prepare
from shared.embedded.process import spawn
from shared.embedded.service import probe_live, service_program
from shared.embedded.supervisor import Supervisor, supervising
from tests.benchmark.bench_database import readable_by_all
from tests.kafka_broker import KafkaBroker, running_broker
from tests.reference.histories import SECRET, WORKSPACE
from tests.served import free_port
from tests.waiting import eventually

ROOT: Final = Path(__file__).parent.parent.parent
PROCESSES: Final = ("ingest", "scoring", "scoring_b", "metrics")
"""The product's own processes; the supervisor starts each again when it is killed."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running product: where it answers, with which key, and how its parts are hurt."""

    log: str
    supervisor: Supervisor
    postgres: Cluster
    broker: KafkaBroker | None
    ports: dict[str, int]
    key: str

    @property
    def dsn(self) -> str:
        """The product's database, as the superuser: the checker looks at all of it."""
        return self.postgres.administrator_dsn("tragt")

    def address(self, name: str) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def kill(self, name: str) -> bool:
        """``kill -9``; False when it was not running. The supervisor, or ``revive`` for the broker, heals it."""
        if name == "broker":
            assert self.broker is not None
            self.broker.kill()
            return True
        pid = self._pid(name)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def revive_broker(self) -> None:
        """Start the killed broker again."""
        assert self.broker is not None
        self.broker.start()

    def signal(self, name: str, number: signal.Signals) -> int | None:
        """Send a signal to a process; its pid, or None when it was not running."""
        pid = self._pid(name)
        if pid is not None:
            os.kill(pid, number)
        return pid

    def _pid(self, name: str) -> int | None:
        return next((one.pid for one in self.supervisor.statuses() if one.name == name), None)


@asynccontextmanager
async def running(log: str, mutants: dict[str, str]) -> AsyncIterator[Running]:
    """A fresh product on a log (``postgres`` or ``kafka``). ``mutants`` names, per process, a fault to build in."""
    async with AsyncExitStack() as stack:
        folder = readable_by_all(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tragt-chaos-"))))
        broker = stack.enter_context(running_broker()) if log == "kafka" else None
        cluster = open_cluster(folder / "database", lambda _line: None)
        (folder / "logs").mkdir()
        supervisor = await stack.enter_async_context(supervising(folder / "logs", lambda _line: None))
        await supervisor.start([postgres_program(cluster)])
        await prepare(cluster)
        await upgrade(cluster.dsn())
        key = await _access(cluster)
        ports = {name: free_port() for name in PROCESSES}
        environment = _environment(cluster, broker, ports, key)
        await supervisor.start([_program(name, ports[name], environment, mutants.get(name)) for name in PROCESSES])
        yield Running(log, supervisor, cluster, broker, ports, key)


async def _access(cluster: Cluster) -> str:
    """A workspace with the reference's secret, and a secret key for all."""
    connection = await connect(cluster.administrator_dsn("tragt"))
    await connection.execute(
        "INSERT INTO access.workspace (id, name, secret, created_at) VALUES ($1, 'chaos', $2, 0)", WORKSPACE, SECRET
    )
    await connection.close()
    engine = create_engine(cluster.dsn(), Role.INGEST_WORKER)
    async with writing(engine) as session:
        made = await create_key(session, UUID(WORKSPACE), KeyKind.SECRET, SystemClock().now(), scopes=frozenset(Scope))
    await engine.dispose()
    return made.text


def _environment(cluster: Cluster, broker: KafkaBroker | None, ports: dict[str, int], key: str) -> dict[str, str]:
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    for service in ("INGEST", "SCORING", "METRICS"):
        environment |= {
            f"{service}_DATABASE_DSN": cluster.dsn(),
            f"{service}_LOG_KIND": "kafka" if broker else "postgres",
            f"{service}_LOG_DSN": cluster.dsn(),
            f"{service}_LOG_KAFKA_SERVERS": broker.servers if broker else "",
        }
    return environment | {"METRICS_SCORING_URL": f"http://127.0.0.1:{ports['scoring']}", "METRICS_SCORING_KEY": key}


def _program(name: str, port: int, environment: dict[str, str], mutant: str | None) -> Program:
    service = name.partition("_")[0]
    own = {**environment, f"{service.upper()}_PORT": str(port)}
    program = replace(service_program(service, port, own), name=name, probe=lambda: probe_live(port))
    if mutant is None:
        return program

    async def launch(output: IO[bytes]) -> Process:
        command: Sequence[str] = [sys.executable, "-m", "tests.chaos.mutants", mutant, service]
        root = str(Path(__file__).parent.parent.parent)
        return await spawn(command, environment={**own, "PYTHONPATH": root}, output=output, death_signal=signal.SIGKILL)

    return replace(program, launch=launch)


async def until_ready(product: Running, within_seconds: float) -> None:
    """Wait until every process answers its supervisor. AssertionError naming those that do not."""

    async def ready() -> bool:
        return all(one.condition == "ready" for one in product.supervisor.statuses())

    await eventually(ready, within_seconds=within_seconds, what="every process is ready")
