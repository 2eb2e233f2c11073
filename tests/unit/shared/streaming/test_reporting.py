"""What a batch tells to the operational numbers."""

from collections import Counter

from shared.streaming.processor import Handled
from shared.streaming.reporting import Reporter
from shared.streaming.types import Batch, Partition
from shared.telemetry import Telemetry


def test_conflicts_are_counted_by_workspace_and_protocol_and_are_no_refusals() -> None:
    telemetry = Telemetry()
    reporter = Reporter("scoring.touchpoints", telemetry)
    batch = Batch(Partition("lead.touchpoints.v1", 0), 0, 9, ())

    reporter.processed(batch, Handled(records=9, conflicts=Counter({("w", "native"): 2, ("w", "segment"): 1})), 0.1)
    reporter.processed(batch, Handled(records=9, conflicts=Counter({("w", "native"): 3})), 0.1)

    told = telemetry.expose().decode()
    assert 'tragt_stream_id_conflicts_total{protocol="native",workspace="w"} 5.0' in told
    assert 'tragt_stream_id_conflicts_total{protocol="segment",workspace="w"} 1.0' in told
    assert "tragt_stream_refused_total{" not in told
