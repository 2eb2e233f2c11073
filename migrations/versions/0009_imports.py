"""ingest: imports of files, with how far each is."""

from alembic import op

from shared.database.isolation import isolate

revision = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and who may use it."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        CREATE TABLE ingest.file_import (
            workspace_id uuid NOT NULL,
            id text NOT NULL,
            name text NOT NULL,
            format text NOT NULL,
            mapping jsonb,
            is_dry_run boolean NOT NULL,
            state text NOT NULL,
            detail text NOT NULL,
            row_count bigint NOT NULL,
            accepted_count bigint NOT NULL,
            twin_count bigint NOT NULL,
            read_so_far text NOT NULL,
            codes jsonb NOT NULL,
            refused jsonb NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            CONSTRAINT pk_file_import PRIMARY KEY (workspace_id, id)
        )
    """)
    op.execute("CREATE INDEX ix_file_import_created_at ON ingest.file_import (workspace_id, created_at, id)")
    isolate(op, "file_import", "ingest")


def downgrade() -> None:
    """Drop the table."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE ingest.file_import")
