"""The tables that every service may read: workspaces and their keys (migrations 0001, 0010 to 0012, 0018)."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from shared.database.naming import metadata

ACCESS: Final = metadata("access")

workspace: Final = Table(
    "workspace",
    ACCESS,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("policy", Text, nullable=False, server_default="{}"),
    CheckConstraint("octet_length(secret) = 32", name="secret_length"),
)
"""``secret`` keys the hashes of identities and ids: without it neither e-mails nor lead ids can be computed.

``policy`` is what it has decided for its door, as JSON (``services.ingest.domain.policy``); it is read with the keys.
"""

key: Final = Table(
    "key",
    ACCESS,
    Column("prefix", Text, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey(workspace.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("origins", ARRAY(Text), nullable=False),
    Column("protocol", Text, nullable=False, server_default="segment"),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("items_per_second", Integer),
    Column("kinds", ARRAY(Text), nullable=False, server_default="{}"),
    Column("name", Text, nullable=False, server_default=""),
    CheckConstraint("items_per_second > 0", name="items_per_second"),
    CheckConstraint("kind IN ('write', 'secret')", name="kind"),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
)
"""A key is found by its prefix and compared by the SHA-256 of its whole text; the text itself is kept nowhere."""

Index("ix_key_workspace_id", key.c.workspace_id)
