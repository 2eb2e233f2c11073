"""scoring."""

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the scoring schema needs."""


def downgrade() -> None:
    """Drop it again."""
