"""Tables of the schema ``scoring``. Instants are microseconds since 1970; text that is ordered is ordered by bytes."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid, text

from shared.database.naming import metadata

METADATA = metadata("scoring")

_BYTES = "C"
HISTORY_PARTITIONS = 8
"""The history is hash-partitioned by strand, so that its indexes stay small enough to be hot."""

seen = Table(
    "seen",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("occurred_at", BigInteger),
)
"""Every touchpoint id that was ever accepted, as a 16-byte keyed hash; it outlives erasure.

``occurred_at`` finds what came first under the id, in the strand of whatever comes under it again; it is null where
that was seen before there was the column, and for conflicts, which are remembered here too so as to be told once.
"""

touchpoint = Table(
    "touchpoint",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("strand", Text(collation=_BYTES), primary_key=True),
    Column("occurred_at", BigInteger, primary_key=True),
    Column("id", Text(collation=_BYTES), primary_key=True),
    Column("recorded_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    postgresql_partition_by="HASH (strand)",
)
"""The history, the source of everything else: the record's own bytes under its strand, for ever. No row names a
lead.
"""

link = Table(
    "link",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("id", Text(collation=_BYTES), primary_key=True),
    Column("target", Text(collation=_BYTES), nullable=False),
    Column("origin", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)
"""Every word of a touchpoint that a key belongs to a target (``own``, ``alias``), or does not (``split``)."""

run = Table(
    "run",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("id", Text(collation=_BYTES), primary_key=True),
    Column("via", Text(collation=_BYTES), primary_key=True),
    Column("target", Text(collation=_BYTES), nullable=False),
    Column("origin", Text, nullable=False),
    Index("ix_run_workspace_id_target", "workspace_id", "target"),
)
"""Links as runs, with those inferred: the first of consecutive links of a key to one target (see
``domain.identity``).
"""

lead = Table(
    "lead",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), primary_key=True),
    Column("lead_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    Column("earliest_at", BigInteger),
    Column("stale_at", BigInteger),
    Column("stale_id", Text(collation=_BYTES)),
    Column("wake_at", BigInteger),
    Column("state", LargeBinary),
    Column("model_version", Integer, nullable=False, server_default=text("0")),
    Index("ix_lead_workspace_id_lead_id", "workspace_id", "lead_id"),
    Index("ix_lead_stale", "workspace_id", "key", postgresql_where=text("stale_at IS NOT NULL")),
    Index("ix_lead_wake", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
    Index("ix_lead_model_version", "workspace_id", "model_version", postgresql_where=text("earliest_at IS NOT NULL")),
)
"""One row per identity key ever seen; the row of a root holds the lead. Locking a chain of keys locks these rows.

``state`` is good for touchpoints before ``(stale_at, stale_id)``, or for all when that is null. ``earliest_at`` is no
later than the first touchpoint. ``wake_at`` is no later than the next implied instant. ``version`` counts published
changes and is never deleted. ``model_version`` is the newest that ``state`` knows; the index finds the leads that a new
one has left behind.
"""

checkpoint = Table(
    "checkpoint",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("id", Text(collation=_BYTES), primary_key=True),
    Column("state", LargeBinary, nullable=False),
)
"""The lead as it was right after one of its touchpoints, so that late input refolds a little, not all."""

cycle = Table(
    "cycle",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""The facts last published of a lead: its cycles with every status and stage entered, and the version that told
them.
"""

listing = Table(
    "listing",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("lead_id", Uuid, primary_key=True),
    Column("key", Text(collation=_BYTES), nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text),
    Column("channel", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_listing_updated", "workspace_id", "updated_at", "lead_id"),
    Index("ix_listing_status", "workspace_id", "status", "updated_at", "lead_id"),
    Index("ix_listing_stage", "workspace_id", "stage", "updated_at", "lead_id"),
    Index("ix_listing_channel", "workspace_id", "channel", "updated_at", "lead_id"),
)
"""Leads as work lists find them; written only when a change is published, so that folding never touches its indexes."""

model = Table(
    "model",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("published_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""Published model versions of a workspace as YAML, never changed. A workspace without one uses the b2b template."""
