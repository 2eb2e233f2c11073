"""access: a key may have a rate of its own."""

from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the rate; a key without one goes at the process's."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        ALTER TABLE access.key ADD COLUMN items_per_second integer,
            ADD CONSTRAINT ck_key_items_per_second CHECK (items_per_second > 0)
    """)


def downgrade() -> None:
    """Remove it."""
    op.execute("ALTER TABLE access.key DROP COLUMN items_per_second")
