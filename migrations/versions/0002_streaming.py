"""streaming."""

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the streaming schema needs."""


def downgrade() -> None:
    """Drop it again."""
