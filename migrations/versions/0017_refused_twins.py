"""ingest: what a refused item said when it came, so that its retry can be told from something else under its id."""

from alembic import op

revision = "0017"
down_revision: str | None = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was kept before it stays empty, so nothing is rewritten."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE ingest.rejected ADD COLUMN fingerprint bytea")


def downgrade() -> None:
    """Drop the column."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE ingest.rejected DROP COLUMN fingerprint")
