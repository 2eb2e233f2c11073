"""Tables of the schema ``streaming``: positions and the outbox beside a service's own state, and the embedded log.

The log's tables hold opaque bytes of all workspaces and so have no reader role and no row-level policy (core 7).
Instants are microseconds since 1970; leases alone use the database's clock and its type.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from shared.database.naming import metadata

METADATA = metadata("streaming")

position = Table(
    "position",
    METADATA,
    Column("consumer_group", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("appended_at", BigInteger, nullable=False, server_default=text("0")),
)
"""The next offset to process, advanced only by a claim; ``appended_at`` is that of the last record processed."""

outbox = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("service", Text, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("sequence", BigInteger),
    Column("published", Boolean, nullable=False, server_default=text("false")),
)
"""What a batch wants said, in the transaction that decided it. Only rows with ``sequence`` exist for readers."""

Index(
    "ix_outbox_unpublished",
    outbox.c.service,
    outbox.c.id,
    postgresql_where=text("NOT published"),
)
Index(
    "uq_outbox_sequence",
    outbox.c.workspace_id,
    outbox.c.topic,
    outbox.c.service,
    outbox.c.sequence,
    unique=True,
    postgresql_where=text("sequence IS NOT NULL"),
)

sequence = Table(
    "sequence",
    METADATA,
    Column("service", Text, primary_key=True),
    Column("workspace_id", Uuid, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)
"""The last number the relay stamped; never deleted, so numbers are never reused."""

topic = Table(
    "topic",
    METADATA,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("partitions", Integer, nullable=False),
    Column("retention_seconds", BigInteger, nullable=False),
    Column("segment_seconds", BigInteger, nullable=False),
)
"""Topics of the embedded log; a topic's records are split into segments of time, which retention drops whole."""

head = Table(
    "head",
    METADATA,
    Column("topic_id", Integer, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False, server_default=text("0")),
    Column("appended_at", BigInteger, nullable=False, server_default=text("0")),
)
"""Where the next record of a partition goes. Locked by the appending transaction, so no reader ever sees a gap."""

record = Table(
    "record",
    METADATA,
    Column("topic_id", Integer, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("record_offset", BigInteger, primary_key=True),
    Column("appended_at", BigInteger, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    postgresql_partition_by="LIST (topic_id)",
)
"""The records, by topic and then by segment of time; ``streaming.create_topic`` and its kin make the parts."""

member = Table(
    "member",
    METADATA,
    Column("consumer_group", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""Members of a group that are alive by the database's clock."""

lease = Table(
    "lease",
    METADATA,
    Column("consumer_group", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("member", Text),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""Who reads a partition now. It only spreads work: correctness is in the claim of the position."""
