"""access: a key may be bound to kinds of touchpoints."""

from alembic import op

revision = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the kinds; a key with none may send any."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE access.key ADD COLUMN kinds text[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    """Remove them."""
    op.execute("ALTER TABLE access.key DROP COLUMN kinds")
