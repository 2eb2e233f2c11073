"""The tables of ingest (migrations 0003, 0008, 0009, 0013, 0016, 0017, 0019 and 0020)."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
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
    Column("fingerprint", LargeBinary),
    Column("key", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("workspace_id", "id"),
)
"""Every refused item, whoever refused it, with as much of its bytes as may be kept. ``replayed_at``: taken since.
``fingerprint`` is of what it said when it came, whatever was repaired since: a retry has the same, and is kept once.
``key`` is the prefix of the key, or the hook, it came with."""

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
"""Where a provider delivers. ``secrets`` are sealed with a key made from the address (``domain.hook``)."""

hook_token: Final = Table(
    "hook_token",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("is_taken", Boolean, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "prefix", "token"),
)
"""What a provider presented that may be presented once, and with which body (SHA-256 of both), until it is stale."""

Index("ix_hook_token_expires_at", hook_token.c.expires_at)

file_import: Final = Table(
    "file_import",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("mapping", JSONB(none_as_null=True)),
    Column("is_dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("accepted_count", BigInteger, nullable=False),
    Column("twin_count", BigInteger, nullable=False),
    Column("read_so_far", Text, nullable=False),
    Column("missing", JSONB, nullable=False, server_default=text("'[]'")),
    Column("timeless_count", BigInteger, nullable=False, server_default=text("0")),
    Column("early_count", BigInteger, nullable=False, server_default=text("0")),
    Column("same_as", Text, nullable=False, server_default=""),
    Column("codes", JSONB, nullable=False),
    Column("refused", JSONB, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)
"""An import of a file and how far it is: rows before ``row_count`` are durable, ``read_so_far`` is their digest."""

Index("ix_file_import_created_at", file_import.c.workspace_id, file_import.c.created_at, file_import.c.id)

kind_schema: Final = Table(
    "kind_schema",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("active", Integer),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind"),
    CheckConstraint("mode IN ('warn', 'reject')", name="mode"),
)
"""What is in force for a kind of touchpoint: a version, or none."""

schema_version: Final = Table(
    "schema_version",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind", "version"),
)
"""Schemas as they were published. Never changed, so what was made ready of one is good for ever."""

schema_violation: Final = Table(
    "schema_violation",
    INGEST,
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind", "version", "place"),
)
"""How often what was taken violated which place of a schema, with the latest touchpoint that did."""
