"""access: what a workspace has decided for its door."""

from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the policy; a workspace that has decided nothing has the empty one."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE access.workspace ADD COLUMN policy text NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    """Remove it."""
    op.execute("ALTER TABLE access.workspace DROP COLUMN policy")
