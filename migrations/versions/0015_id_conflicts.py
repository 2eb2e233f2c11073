"""scoring: when what was first seen under an id happened, so that what comes under it again can be compared with it."""

from alembic import op

revision = "0015"
down_revision: str | None = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was seen before it stays empty, so nothing is rewritten."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE scoring.seen ADD COLUMN occurred_at bigint")


def downgrade() -> None:
    """Drop the column."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE scoring.seen DROP COLUMN occurred_at")
