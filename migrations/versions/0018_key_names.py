"""access: a key may have a name."""

from alembic import op

revision = "0018"
down_revision: str | None = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the name; a key of before has none."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE access.key ADD COLUMN name text NOT NULL DEFAULT ''")


def downgrade() -> None:
    """Remove it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE access.key DROP COLUMN name")
