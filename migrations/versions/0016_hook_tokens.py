"""ingest: what providers present once, so that no process takes it twice."""

from alembic import op

from shared.database.isolation import isolate

revision = "0016"
down_revision: str | None = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, its index, and who may use it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE ingest.hook_token (
            workspace_id uuid NOT NULL,
            prefix text NOT NULL,
            token bytea NOT NULL,
            body bytea NOT NULL,
            is_taken boolean NOT NULL,
            expires_at bigint NOT NULL,
            CONSTRAINT pk_hook_token PRIMARY KEY (workspace_id, prefix, token)
        )
    """)
    op.execute("CREATE INDEX ix_hook_token_expires_at ON ingest.hook_token (expires_at)")
    isolate(op, "hook_token", "ingest")


def downgrade() -> None:
    """Drop the table."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE ingest.hook_token")
