"""ingest: the one table of refused items."""

from alembic import op

from shared.database.isolation import isolate

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, its indexes, and who may use it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE ingest.rejected (
            workspace_id uuid NOT NULL,
            id text NOT NULL,
            code text NOT NULL,
            pointer text NOT NULL,
            detail text NOT NULL,
            protocol text NOT NULL,
            refused_by text NOT NULL,
            received_at bigint NOT NULL,
            replayed_at bigint,
            payload bytea NOT NULL,
            CONSTRAINT pk_rejected PRIMARY KEY (workspace_id, id)
        )
    """)
    op.execute("CREATE INDEX ix_rejected_received_at ON ingest.rejected (workspace_id, received_at, id)")
    op.execute("CREATE INDEX ix_rejected_code ON ingest.rejected (workspace_id, code, received_at, id)")
    isolate(op, "rejected", "ingest")


def downgrade() -> None:
    """Drop the table."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE ingest.rejected")
