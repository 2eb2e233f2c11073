"""metrics."""

revision = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the metrics schema needs."""


def downgrade() -> None:
    """Drop it again."""
