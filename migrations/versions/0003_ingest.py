"""ingest."""

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what the ingest schema needs."""


def downgrade() -> None:
    """Drop it again."""
