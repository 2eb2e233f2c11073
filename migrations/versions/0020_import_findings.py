"""ingest: what an import found of its file's columns and times, and whether the file was imported before."""

from alembic import op

revision = "0020"
down_revision: str | None = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is told; of imports of before nothing is known."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(
        """
        ALTER TABLE ingest.file_import
            ADD COLUMN missing jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN timeless_count bigint NOT NULL DEFAULT 0,
            ADD COLUMN early_count bigint NOT NULL DEFAULT 0,
            ADD COLUMN same_as text NOT NULL DEFAULT ''
        """
    )


def downgrade() -> None:
    """Remove it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(
        """
        ALTER TABLE ingest.file_import
            DROP COLUMN missing, DROP COLUMN timeless_count, DROP COLUMN early_count, DROP COLUMN same_as
        """
    )
