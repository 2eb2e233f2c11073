"""What the streaming core tells, as one log line per batch and as operational numbers."""

import structlog

from shared import instruments
from shared.errors import Transient
from shared.streaming.processor import Handled
from shared.streaming.types import Batch, Partition
from shared.telemetry import Telemetry


class Reporter:
    """An observer for one consumer group, or for one service's relay (its name is the ``group``)."""

    def __init__(self, group: str, telemetry: Telemetry) -> None:
        self._group, self._telemetry = group, telemetry
        self._log = structlog.get_logger("stream").bind(group=group)

    def processed(self, batch: Batch, handled: Handled, seconds: float) -> None:
        """One line and a few numbers a batch."""
        tell, labels = self._telemetry, (self._group,)
        tell.observe(instruments.STREAM_BATCH_SECONDS, seconds, labels)
        tell.observe(instruments.STREAM_BATCH_RECORDS, handled.records, labels)
        if handled.oldest_received_at is not None and batch.records:
            waited = max(0, batch.records[-1].appended_at - handled.oldest_received_at) / 1_000_000 + seconds
            tell.observe(instruments.STREAM_END_TO_END, waited, labels)
        if handled.refused:
            tell.count(instruments.STREAM_REFUSED, handled.refused, (self._group, "unreadable"))
        for split_by, number in handled.conflicts.items():
            tell.count(instruments.STREAM_CONFLICTS, number, split_by)
        self._log.info(
            "batch",
            partition=batch.partition.index,
            start=batch.start,
            end=batch.end,
            fresh=handled.fresh,
            refused=handled.refused,
            conflicts=handled.conflicts.total(),
            milliseconds=round(seconds * 1_000, 1),
        )

    def fenced(self, batch: Batch) -> None:
        """Another owner had advanced the position."""
        self._telemetry.count(instruments.STREAM_FENCED, 1, (self._group,))
        self._log.info("fenced", partition=batch.partition.index, start=batch.start)

    def retried(self, error: Transient) -> None:
        """The log or the database was away."""
        self._telemetry.count(instruments.STREAM_RETRIED, 1, (self._group,))
        self._log.warning("retried", reason=str(error))

    def rebuilt(self, stuck: frozenset[Partition]) -> None:
        """The consumer was made anew."""
        self._log.warning("rebuilt", partitions=sorted(partition.index for partition in stuck))

    def lagged(self, records: int) -> None:
        """How far the group is behind."""
        self._telemetry.level(instruments.STREAM_LAG, records, (self._group, "all"))

    def relayed(self, rows: int, oldest_seconds: float) -> None:
        """The relay published."""
        self._telemetry.count(instruments.OUTBOX_PUBLISHED, rows, (self._group, "all"))
        self._telemetry.level(instruments.OUTBOX_OLDEST, oldest_seconds, (self._group,))
