"""scoring: the model version that each lead was folded under, so that a new one finds those it leaves behind."""

from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column without rewriting the table: 0 stands for every version before the first that is published."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE scoring.lead ADD COLUMN model_version integer NOT NULL DEFAULT 0")
    op.execute(
        "CREATE INDEX ix_lead_model_version ON scoring.lead (workspace_id, model_version) WHERE earliest_at IS NOT NULL"
    )


def downgrade() -> None:
    """Forget the versions; a state tells its own."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP INDEX scoring.ix_lead_model_version")
    op.execute("ALTER TABLE scoring.lead DROP COLUMN model_version")
