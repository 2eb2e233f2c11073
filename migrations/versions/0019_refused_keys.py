"""ingest: the key that a refused item came with, by its prefix."""

from alembic import op

revision = "0019"
down_revision: str | None = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was kept before it is empty, and nothing is rewritten."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE ingest.rejected ADD COLUMN key text NOT NULL DEFAULT ''")


def downgrade() -> None:
    """Drop the column."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE ingest.rejected DROP COLUMN key")
