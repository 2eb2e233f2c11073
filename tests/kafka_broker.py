"""A real Apache Kafka broker for tests: jars from Maven, one Java process, free ports on the loopback interface.

The jars are fetched once into a cache folder named after the pinned version; later runs download nothing.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.waiting import wait_until

VERSION: Final = "4.3.0"
_ROOT: Final = Path(__file__).parent.parent
_POM: Final = _ROOT / "tests" / "kafka" / "pom.xml"
_LIBRARIES: Final = _ROOT / ".cache" / f"kafka-{VERSION}" / "libs"
_START_SECONDS: Final = 60
_PROPERTIES: Final = """
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
"""
_ALONE: Final = """
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
_LOGGING: Final = """
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=file
appender.file.type=File
appender.file.name=file
appender.file.fileName={folder}/broker.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %c %m%n
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of a broker in a cluster of several: its number, its ports, and what all brokers agree on."""

    node: int
    port: int
    controller: int
    cluster: str
    properties: str


class KafkaBroker:
    """One broker that is a controller too, its own unless it is given a seat in a cluster.

    Killed and started again it keeps its data and its address. ``more`` is added to its properties, which know the
    ``{port}`` of its own listener; ``format_options`` go to the tool that prepares its folder.
    """

    def __init__(self, folder: Path, seat: Seat | None = None, more: str = "", *format_options: str) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        mode = [] if seat else ["--standalone"]
        seat = seat or self._alone()
        self._port = seat.port
        places = {"folder": folder, "node": seat.node, "port": seat.port, "controller": seat.controller}
        (folder / "server.properties").write_text(
            _PROPERTIES.format(**places) + seat.properties + more.format(**places)
        )
        (folder / "log4j2.properties").write_text(_LOGGING.format(**places))
        self._storage(
            "format", *mode, f"--cluster-id={seat.cluster}", "-c", str(folder / "server.properties"), *format_options
        )

    @property
    def servers(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self.launch()
        self.wait_started()

    def wait_started(self) -> None:
        """After ``launch``: wait until it accepts connections."""
        wait_until(self._accepts, within_seconds=_START_SECONDS, what=f"Kafka at {self.servers}")

    def launch(self) -> None:
        """Start it without waiting."""
        with (self._folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    "java",
                    *_java("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={self._log4j}"),
                    "kafka.Kafka",
                    str(self._folder / "server.properties"),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """``kill -9``; nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._stands_still, within_seconds=10, what="Kafka stands still")

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def _alone(self) -> Seat:
        port, controller = free_ports(2)
        cluster = self._storage("random-uuid").split()[-1]
        return Seat(1, port, controller, cluster, _ALONE.format(controller=controller))

    @property
    def _log4j(self) -> Path:
        return self._folder / "log4j2.properties"

    def _end(self, with_signal: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(with_signal)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._process = None

    def _stands_still(self) -> bool:
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def _accepts(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"Kafka ended: {(self._folder / 'output.log').read_text()[-2000:]}")
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1):
                return True
        except OSError:
            return False

    def _storage(self, *arguments: str) -> str:
        command = ["java", *_java(), "kafka.tools.StorageTool", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def running_broker() -> Iterator[KafkaBroker]:
    """A started broker with an empty log; stopped and deleted at the end."""
    fetch_jars()
    folder = Path(tempfile.mkdtemp(prefix="tragt-kafka-"))
    broker = KafkaBroker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


def fetch_jars() -> None:
    """Make sure that the jars are there. Complete or not at all: into a folder beside, then renamed."""
    if _LIBRARIES.exists():
        return
    _LIBRARIES.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="libs-", dir=_LIBRARIES.parent))
    subprocess.run(
        [
            "mvn",
            "-q",
            "-B",
            "-f",
            str(_POM),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-Dkafka.version={VERSION}",
            f"-DoutputDirectory={partial}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    partial.rename(_LIBRARIES)


def _java(*options: str) -> list[str]:
    return [*options, "-cp", f"{_LIBRARIES}/*"]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody held a moment ago, all different."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports
