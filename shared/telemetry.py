"""Operational numbers of one process, and traces when an OpenTelemetry endpoint is configured.

The numbers are those of ``shared.instruments``, shown as Prometheus text. (*Metrics* are the product's, not these.)
They are plain numbers of one thread, made into Prometheus' objects only when somebody looks: counting must cost nothing
beside what is counted.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Tracer
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from shared.instruments import INSTRUMENTS, Instrument, Shape

_Labels = tuple[str, ...]


class _Distribution:
    """How many values fell below each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as Prometheus wants them."""
        names = [*(str(bound) for bound in self.bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self.counts)), strict=True))


class Telemetry:
    """Counts, levels and distributions by instrument. Labels are given in the instrument's order."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.tracer = tracer
        scalars = [one for one in INSTRUMENTS if one.shape is not Shape.DISTRIBUTION]
        self._scalars: dict[str, dict[_Labels, float]] = {one.name: {} if one.labels else {(): 0} for one in scalars}
        self._distributions: dict[str, dict[_Labels, _Distribution]] = {
            one.name: {} for one in INSTRUMENTS if one.shape is Shape.DISTRIBUTION
        }
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(_Numbers(self._scalars, self._distributions))

    def count(self, instrument: Instrument, amount: float = 1, labels: _Labels = ()) -> None:
        """Add to a count."""
        held = self._scalars[instrument.name]
        held[labels] = held.get(labels, 0) + amount

    def level(self, instrument: Instrument, value: float, labels: _Labels = ()) -> None:
        """Set a level."""
        self._scalars[instrument.name][labels] = value

    def observe(self, instrument: Instrument, value: float, labels: _Labels = ()) -> None:
        """Add one value to a distribution."""
        held = self._distributions[instrument.name]
        distribution = held.get(labels)
        if distribution is None:
            distribution = held[labels] = _Distribution(instrument.buckets)
        distribution.add(value)

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


class _Numbers(Collector):
    """Shows the numbers to Prometheus' registry."""

    def __init__(
        self,
        scalars: Mapping[str, Mapping[_Labels, float]],
        distributions: Mapping[str, Mapping[_Labels, _Distribution]],
    ) -> None:
        self._scalars = scalars
        self._distributions = distributions

    def collect(self) -> Iterator[Metric]:
        for instrument in INSTRUMENTS:
            yield self._shown(instrument)

    def _shown(self, one: Instrument) -> Metric:
        name = "tragt_" + one.name.replace(".", "_")
        match one.shape:
            case Shape.COUNT:
                count = CounterMetricFamily(name.removesuffix("_count"), one.meaning, labels=one.labels)
                for labels, value in self._scalars[one.name].items():
                    count.add_metric(labels, value)
                return count
            case Shape.LEVEL:
                level = GaugeMetricFamily(name, one.meaning, labels=one.labels)
                for labels, value in self._scalars[one.name].items():
                    level.add_metric(labels, value)
                return level
            case Shape.DISTRIBUTION:
                distribution = HistogramMetricFamily(name, one.meaning, labels=one.labels)
                for labels, held in self._distributions[one.name].items():
                    distribution.add_metric(labels, held.buckets(), held.total)
                return distribution


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
