"""Every operational number by name, with unit and meaning. A name is added here or nowhere; a table is made from it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Shape(StrEnum):
    """How a number behaves over time."""

    COUNT = "count"
    LEVEL = "level"
    DISTRIBUTION = "distribution"


_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_RECORDS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One number: ``<subsystem>.<thing>.<unit>``, what it means, the labels that split it."""

    name: str
    shape: Shape
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


HTTP_SECONDS: Final = Instrument(
    "http.request.seconds",
    Shape.DISTRIBUTION,
    "From a request's head to the end of its answer.",
    ("method", "route", "status"),
    _SECONDS,
)
HTTP_REFUSED: Final = Instrument(
    "http.refused.count", Shape.COUNT, "Connections cut off by the guard before the application.", ("reason",)
)
INGEST_ACCEPTED: Final = Instrument(
    "ingest.accepted.count",
    Shape.COUNT,
    "Touchpoints that are durable in the log; all imports are the protocol `import` here.",
    ("protocol",),
)
INGEST_REJECTED: Final = Instrument(
    "ingest.rejected.count",
    Shape.COUNT,
    "Items refused at the door, kept with their payload; `key` is the prefix of the key they came with.",
    ("protocol", "code", "key"),
)
INGEST_WARNED: Final = Instrument(
    "ingest.warned.count",
    Shape.COUNT,
    "Touchpoints taken although they violate a schema, which only warns; `key` as above.",
    ("protocol", "key"),
)
INGEST_TURNED_AWAY: Final = Instrument(
    "ingest.turned_away.count", Shape.COUNT, "Requests refused whole, of which nothing is kept.", ("reason",)
)
INGEST_LOST: Final = Instrument(
    "ingest.lost.count", Shape.COUNT, "Opens and clicks that were answered, but that the log did not take.", ("route",)
)
STREAM_LAG: Final = Instrument(
    "stream.lag.records", Shape.LEVEL, "Records appended and not yet processed.", ("group", "partition")
)
STREAM_BATCH_SECONDS: Final = Instrument(
    "stream.batch.seconds", Shape.DISTRIBUTION, "One batch's transaction.", ("group",), _SECONDS
)
STREAM_BATCH_RECORDS: Final = Instrument(
    "stream.batch.records", Shape.DISTRIBUTION, "Records of one batch.", ("group",), _RECORDS
)
STREAM_END_TO_END: Final = Instrument(
    "stream.end_to_end.seconds",
    Shape.DISTRIBUTION,
    "From the door to the commit, of the oldest record of a batch.",
    ("group",),
    _SECONDS,
)
STREAM_FENCED: Final = Instrument(
    "stream.fenced.count", Shape.COUNT, "Batches given up because another owner had advanced the position.", ("group",)
)
STREAM_RETRIED: Final = Instrument(
    "stream.retried.count", Shape.COUNT, "Batches tried again because the database or the log was away.", ("group",)
)
STREAM_REFUSED: Final = Instrument(
    "stream.refused.count", Shape.COUNT, "Records that could not be used, kept with their payload.", ("group", "reason")
)
STREAM_CONFLICTS: Final = Instrument(
    "stream.id_conflicts.count",
    Shape.COUNT,
    "Touchpoints under the id of another that came first, kept as refused; each is counted once.",
    ("workspace", "protocol"),
)
OUTBOX_OLDEST: Final = Instrument(
    "outbox.oldest.seconds", Shape.LEVEL, "Age of the oldest message not yet published.", ("service",)
)
OUTBOX_PUBLISHED: Final = Instrument(
    "outbox.published.count", Shape.COUNT, "Messages published by the relay.", ("service", "topic")
)
CATCH_UP_STALE: Final = Instrument("catch_up.stale.leads", Shape.LEVEL, "Leads whose fold waits to be caught up.", ())
CATCH_UP_FOLDED: Final = Instrument(
    "catch_up.folded.touchpoints", Shape.COUNT, "Touchpoints folded again by the catch-up worker.", ()
)

INSTRUMENTS: Final = (
    HTTP_SECONDS,
    HTTP_REFUSED,
    INGEST_ACCEPTED,
    INGEST_REJECTED,
    INGEST_WARNED,
    INGEST_TURNED_AWAY,
    INGEST_LOST,
    STREAM_LAG,
    STREAM_BATCH_SECONDS,
    STREAM_BATCH_RECORDS,
    STREAM_END_TO_END,
    STREAM_FENCED,
    STREAM_RETRIED,
    STREAM_REFUSED,
    STREAM_CONFLICTS,
    OUTBOX_OLDEST,
    OUTBOX_PUBLISHED,
    CATCH_UP_STALE,
    CATCH_UP_FOLDED,
)
"""All of them; ``documentation`` and the registry follow this list."""


def documentation() -> str:
    """The table of all numbers, in Markdown."""
    rows = [_row(instrument) for instrument in INSTRUMENTS]
    return "\n".join(["| name | shape | split by | meaning |", "|---|---|---|---|", *rows, ""])


def _row(one: Instrument) -> str:
    return f"| `{one.name}` | {one.shape} | {', '.join(one.labels) or '-'} | {one.meaning} |"
