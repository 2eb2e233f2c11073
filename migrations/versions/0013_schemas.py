"""ingest: schemas of kinds of touchpoints, and how often they were violated."""

from alembic import op

from shared.database.isolation import isolate

revision = "0013"
down_revision: str | None = "0012"
branch_labels = None
depends_on = None

_TABLES = ("kind_schema", "schema_version", "schema_violation")


def upgrade() -> None:
    """Create the tables and who may use them."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE ingest.kind_schema (
            workspace_id uuid NOT NULL,
            kind text NOT NULL,
            mode text NOT NULL,
            active integer,
            updated_at bigint NOT NULL,
            CONSTRAINT pk_kind_schema PRIMARY KEY (workspace_id, kind),
            CONSTRAINT ck_kind_schema_mode CHECK (mode IN ('warn', 'reject'))
        )
    """)
    op.execute("""
        CREATE TABLE ingest.schema_version (
            workspace_id uuid NOT NULL,
            kind text NOT NULL,
            version integer NOT NULL,
            document text NOT NULL,
            created_at bigint NOT NULL,
            CONSTRAINT pk_schema_version PRIMARY KEY (workspace_id, kind, version)
        )
    """)
    op.execute("""
        CREATE TABLE ingest.schema_violation (
            workspace_id uuid NOT NULL,
            kind text NOT NULL,
            version integer NOT NULL,
            place text NOT NULL,
            pointer text NOT NULL,
            detail text NOT NULL,
            item_id text NOT NULL,
            count bigint NOT NULL,
            last_at bigint NOT NULL,
            CONSTRAINT pk_schema_violation PRIMARY KEY (workspace_id, kind, version, place)
        )
    """)
    for table in _TABLES:
        isolate(op, table, "ingest")


def downgrade() -> None:
    """Drop the tables."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in _TABLES:
        op.execute(f"DROP TABLE ingest.{table}")
