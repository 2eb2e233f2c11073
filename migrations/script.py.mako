"""${message}.

Revision ${up_revision}, after ${down_revision | comma,n}.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what it creates, and why it is safe beside the code that runs now."""
    op.execute("SET LOCAL lock_timeout = '2s'")


def downgrade() -> None:
    """Take it back."""
    op.execute("SET LOCAL lock_timeout = '2s'")
