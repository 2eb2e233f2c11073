"""metrics: facts, the cells they sum to, and what readers and the page need beside them."""

from alembic import op

from shared.database.isolation import isolate

revision = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None

_TABLES = ("fact", "cell", "shard", "delta", "calendar", "attribute_value", "sign_in")
_INSTANTS = (
    "anonymous_at",
    "known_at",
    "mql_at",
    "sal_at",
    "sales_qualified_at",
    "opportunity_at",
    "customer_at",
    "ended_at",
)


def upgrade() -> None:
    """Create the tables; each belongs to workspaces, so each is isolated."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    _facts()
    _cells()
    _readers()
    for table in _TABLES:
        isolate(op, table, "metrics")


def downgrade() -> None:
    """Drop everything again; the numbers can be counted again from scoring's facts."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE metrics.{table}")


def _facts() -> None:
    op.execute("""
        CREATE TABLE metrics.fact (
            workspace_id uuid NOT NULL,
            shard smallint NOT NULL,
            lead_id uuid NOT NULL,
            fact_key text COLLATE "C" NOT NULL,
            version bigint NOT NULL,
            gone boolean NOT NULL,
            cycle integer,
            anonymous_at bigint,
            known_at bigint,
            mql_at bigint,
            sal_at bigint,
            sales_qualified_at bigint,
            opportunity_at bigint,
            customer_at bigint,
            ended text,
            ended_at bigint,
            channel text,
            source text,
            campaign text,
            country text,
            device text,
            segment text,
            persona text,
            model_version text,
            CONSTRAINT pk_fact PRIMARY KEY (workspace_id, shard, lead_id, fact_key)
        ) WITH (fillfactor = 80)
    """)
    for instant in _INSTANTS:
        op.execute(
            f"CREATE INDEX ix_fact_{instant} ON metrics.fact (workspace_id, {instant}) WHERE {instant} IS NOT NULL"
        )


def _cells() -> None:
    op.execute("""
        CREATE TABLE metrics.cell (
            workspace_id uuid NOT NULL,
            shard smallint NOT NULL,
            calendar smallint NOT NULL,
            dimension smallint NOT NULL,
            period integer NOT NULL,
            value integer NOT NULL,
            measure integer NOT NULL,
            count integer NOT NULL,
            CONSTRAINT pk_cell PRIMARY KEY (workspace_id, shard, calendar, dimension, period, value, measure)
        ) WITH (fillfactor = 70)
    """)
    op.execute("""
        CREATE TABLE metrics.shard (
            workspace_id uuid NOT NULL,
            shard smallint NOT NULL,
            revision bigint NOT NULL DEFAULT 0,
            late_count bigint NOT NULL DEFAULT 0,
            model_version integer NOT NULL DEFAULT 0,
            CONSTRAINT pk_shard PRIMARY KEY (workspace_id, shard)
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE metrics.delta (
            workspace_id uuid NOT NULL,
            shard smallint NOT NULL,
            revision bigint NOT NULL,
            recorded_at bigint NOT NULL,
            cells bytea NOT NULL,
            CONSTRAINT pk_delta PRIMARY KEY (workspace_id, shard, revision)
        )
    """)


def _readers() -> None:
    op.execute("""
        CREATE TABLE metrics.calendar (
            workspace_id uuid NOT NULL,
            id smallint NOT NULL,
            zone text NOT NULL,
            is_counted boolean NOT NULL,
            CONSTRAINT pk_calendar PRIMARY KEY (workspace_id, id)
        )
    """)
    op.execute("""
        CREATE TABLE metrics.attribute_value (
            workspace_id uuid NOT NULL,
            dimension smallint NOT NULL,
            value text NOT NULL,
            number integer NOT NULL,
            CONSTRAINT pk_attribute_value PRIMARY KEY (workspace_id, dimension, value)
        )
    """)
    op.execute("""
        CREATE TABLE metrics.sign_in (
            digest bytea NOT NULL,
            workspace_id uuid NOT NULL,
            kind text NOT NULL,
            expires_at bigint NOT NULL,
            CONSTRAINT pk_sign_in PRIMARY KEY (digest)
        )
    """)
