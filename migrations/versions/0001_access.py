"""access."""

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the access schema needs."""


def downgrade() -> None:
    """Drop it again."""
