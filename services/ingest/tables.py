"""The tables of ingest (migrations 0003 and 0008)."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.naming import metadata

INGEST: Final = metadata("ingest")

rejected: Final = Table(
    "rejected",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("refused_by", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("replayed_at", BigInteger),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)
"""Every refused item, whoever refused it, once by its id, with its own bytes. ``replayed_at``: it was taken since."""

Index("ix_rejected_received_at", rejected.c.workspace_id, rejected.c.received_at, rejected.c.id)
Index("ix_rejected_code", rejected.c.workspace_id, rejected.c.code, rejected.c.received_at, rejected.c.id)

hook: Final = Table(
    "hook",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("provider", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("workspace_id", "prefix"),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
)
"""An address at which a provider delivers. ``secrets`` are sealed with a key made from the address (``domain.hook``)."""
