"""ingest: hooks, the addresses at which providers deliver."""

from alembic import op

from shared.database.isolation import isolate

revision = "0008"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and who may use it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE ingest.hook (
            workspace_id uuid NOT NULL,
            prefix text NOT NULL,
            provider text NOT NULL,
            name text NOT NULL,
            digest bytea NOT NULL,
            secrets bytea NOT NULL,
            settings jsonb NOT NULL,
            created_at bigint NOT NULL,
            revoked_at bigint,
            CONSTRAINT pk_hook PRIMARY KEY (workspace_id, prefix),
            CONSTRAINT uq_hook_prefix UNIQUE (prefix),
            CONSTRAINT ck_hook_digest_length CHECK (octet_length(digest) = 32)
        )
    """)
    isolate(op, "hook", "ingest")


def downgrade() -> None:
    """Drop the table."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE ingest.hook")
