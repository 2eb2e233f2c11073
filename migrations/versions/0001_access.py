"""access: the schemas of the services, and the workspaces and keys that open them."""

from alembic import op

from shared.database.roles import SERVICES

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_ALL = ", ".join(f"{service}_{kind}" for service in SERVICES for kind in ("reader", "worker"))
_WORKERS = ", ".join(f"{service}_worker" for service in SERVICES)


def upgrade() -> None:
    """Create the schemas, the access tables and who may use them."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for service in SERVICES:
        op.execute(f"CREATE SCHEMA {service}")
        op.execute(f"GRANT USAGE ON SCHEMA {service} TO {service}_reader, {service}_worker")
    op.execute("CREATE SCHEMA streaming")
    op.execute(f"GRANT USAGE ON SCHEMA streaming TO {_WORKERS}")
    op.execute("CREATE SCHEMA access")
    op.execute(f"GRANT USAGE ON SCHEMA access TO {_ALL}")
    op.execute("""
        CREATE TABLE access.workspace (
            id uuid NOT NULL,
            name text NOT NULL,
            secret bytea NOT NULL,
            created_at bigint NOT NULL,
            CONSTRAINT pk_workspace PRIMARY KEY (id),
            CONSTRAINT uq_workspace_name UNIQUE (name),
            CONSTRAINT ck_workspace_secret_length CHECK (octet_length(secret) = 32)
        )
    """)
    op.execute("""
        CREATE TABLE access.key (
            prefix text NOT NULL,
            workspace_id uuid NOT NULL,
            kind text NOT NULL,
            digest bytea NOT NULL,
            scopes text[] NOT NULL,
            origins text[] NOT NULL,
            protocol text NOT NULL DEFAULT 'segment',
            created_at bigint NOT NULL,
            expires_at bigint,
            revoked_at bigint,
            CONSTRAINT pk_key PRIMARY KEY (prefix),
            CONSTRAINT fk_key_workspace_id_workspace FOREIGN KEY (workspace_id) REFERENCES access.workspace (id),
            CONSTRAINT ck_key_kind CHECK (kind IN ('write', 'secret')),
            CONSTRAINT ck_key_digest_length CHECK (octet_length(digest) = 32)
        )
    """)
    op.execute("CREATE INDEX ix_key_workspace_id ON access.key (workspace_id)")
    op.execute(f"GRANT SELECT ON access.workspace, access.key TO {_ALL}")
    op.execute("GRANT INSERT, UPDATE ON access.workspace, access.key TO ingest_worker")


def downgrade() -> None:
    """Drop the tables and the schemas, which must be empty by then."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE access.key")
    op.execute("DROP TABLE access.workspace")
    for schema in ("access", "streaming", *SERVICES):
        op.execute(f"DROP SCHEMA {schema}")
