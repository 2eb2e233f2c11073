"""Operational numbers of one process, and traces when an OpenTelemetry endpoint is configured.

The numbers are those of ``shared.instruments``, shown as Prometheus text. (*Metrics* are the product's, not these.)
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Tracer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from shared.instruments import INSTRUMENTS, Instrument, Shape

_Child = Counter | Gauge | Histogram


class Telemetry:
    """Counts, levels and distributions by instrument. Labels are given in the instrument's order."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.tracer = tracer
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._held = {instrument.name: _create(instrument, self._registry) for instrument in INSTRUMENTS}
        self._children: dict[tuple[str, tuple[str, ...]], _Child] = {}

    def count(self, instrument: Instrument, amount: float = 1, labels: tuple[str, ...] = ()) -> None:
        """Add to a count."""
        child = self._child(instrument, labels)
        if isinstance(child, Counter):
            child.inc(amount)

    def level(self, instrument: Instrument, value: float, labels: tuple[str, ...] = ()) -> None:
        """Set a level."""
        child = self._child(instrument, labels)
        if isinstance(child, Gauge):
            child.set(value)

    def observe(self, instrument: Instrument, value: float, labels: tuple[str, ...] = ()) -> None:
        """Add one value to a distribution."""
        child = self._child(instrument, labels)
        if isinstance(child, Histogram):
            child.observe(value)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, str | int] | None = None
    ) -> Iterator[Span | None]:
        """A span around the block when traces are configured; nothing otherwise."""
        if self.tracer is None:
            yield None
            return
        with self.tracer.start_as_current_span(name, kind=kind, attributes=attributes) as span:
            yield span

    def expose(self) -> bytes:
        """All numbers as Prometheus text."""
        return generate_latest(self._registry)

    def _child(self, instrument: Instrument, labels: tuple[str, ...]) -> _Child:
        key = (instrument.name, labels)
        child = self._children.get(key)
        if child is None:
            held = self._held[instrument.name]
            child = self._children[key] = held.labels(*labels) if labels else held
        return child


@contextmanager
def tracing(service: str, endpoint: str | None) -> Iterator[Tracer | None]:
    """A tracer that sends to ``endpoint`` (``http://host:4318``), flushed at the end; None without an endpoint."""
    if not endpoint:
        yield None
        return
    provider = TracerProvider(resource=Resource({SERVICE_NAME: f"tragt.{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=5)))
    try:
        yield provider.get_tracer("tragt")
    finally:
        provider.shutdown()


def _create(instrument: Instrument, registry: CollectorRegistry) -> _Child:
    name = "tragt_" + instrument.name.replace(".", "_")
    match instrument.shape:
        case Shape.COUNT:
            return Counter(name.removesuffix("_count"), instrument.meaning, instrument.labels, registry=registry)
        case Shape.LEVEL:
            return Gauge(name, instrument.meaning, instrument.labels, registry=registry)
        case Shape.DISTRIBUTION:
            return Histogram(name, instrument.meaning, instrument.labels, registry=registry, buckets=instrument.buckets)
