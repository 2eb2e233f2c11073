"""metrics: what advertising cost, by day and ad."""

from alembic import op

from shared.database.isolation import isolate

revision = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and who may use it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE metrics.cost (
            workspace_id uuid NOT NULL,
            day date NOT NULL,
            source text COLLATE "C" NOT NULL,
            account_id text COLLATE "C" NOT NULL,
            campaign_id text COLLATE "C" NOT NULL,
            adgroup_id text COLLATE "C" NOT NULL,
            ad_id text COLLATE "C" NOT NULL,
            channel text NOT NULL,
            campaign_name text NOT NULL,
            currency text NOT NULL,
            cost numeric NOT NULL,
            impressions bigint NOT NULL,
            clicks bigint NOT NULL,
            conversions numeric NOT NULL,
            CONSTRAINT pk_cost PRIMARY KEY
                (workspace_id, day, source, account_id, campaign_id, adgroup_id, ad_id)
        )
    """)
    isolate(op, "cost", "metrics")


def downgrade() -> None:
    """Drop the table; the exports can be imported again."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE metrics.cost")
