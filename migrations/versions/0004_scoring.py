"""scoring: history, identity, leads, checkpoints and what was told of them."""

from alembic import op

from shared.database.isolation import isolate

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

_TABLES = ("seen", "touchpoint", "link", "run", "lead", "checkpoint", "cycle", "listing", "model")
_HISTORY_PARTITIONS = 8


def upgrade() -> None:
    """Create the tables; each belongs to workspaces, so each is isolated."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    _history()
    _identity()
    _leads()
    _told()
    for table in _TABLES:
        isolate(op, table, "scoring")


def downgrade() -> None:
    """Drop everything again, the history included."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE scoring.{table}")


def _history() -> None:
    op.execute("""
        CREATE TABLE scoring.seen (
            workspace_id uuid NOT NULL,
            digest bytea NOT NULL,
            CONSTRAINT pk_seen PRIMARY KEY (workspace_id, digest)
        )
    """)
    op.execute("""
        CREATE TABLE scoring.touchpoint (
            workspace_id uuid NOT NULL,
            strand text COLLATE "C" NOT NULL,
            occurred_at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            recorded_at bigint NOT NULL,
            body bytea NOT NULL,
            CONSTRAINT pk_touchpoint PRIMARY KEY (workspace_id, strand, occurred_at, id)
        ) PARTITION BY HASH (strand)
    """)
    for remainder in range(_HISTORY_PARTITIONS):
        op.execute(
            f"CREATE TABLE scoring.touchpoint_{remainder} PARTITION OF scoring.touchpoint"
            f" FOR VALUES WITH (MODULUS {_HISTORY_PARTITIONS}, REMAINDER {remainder})"
        )


def _identity() -> None:
    op.execute("""
        CREATE TABLE scoring.link (
            workspace_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            target text COLLATE "C" NOT NULL,
            origin text NOT NULL,
            recorded_at bigint NOT NULL,
            CONSTRAINT pk_link PRIMARY KEY (workspace_id, key, at, id)
        )
    """)
    op.execute("""
        CREATE TABLE scoring.run (
            workspace_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            via text COLLATE "C" NOT NULL,
            target text COLLATE "C" NOT NULL,
            origin text NOT NULL,
            CONSTRAINT pk_run PRIMARY KEY (workspace_id, key, at, id, via)
        )
    """)
    op.execute("CREATE INDEX ix_run_workspace_id_target ON scoring.run (workspace_id, target)")


def _leads() -> None:
    # Room on each page, so that a fold that changes no indexed column stays on its page.
    op.execute("""
        CREATE TABLE scoring.lead (
            workspace_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            lead_id uuid NOT NULL,
            version bigint NOT NULL DEFAULT 0,
            earliest_at bigint,
            stale_at bigint,
            stale_id text COLLATE "C",
            wake_at bigint,
            state bytea,
            CONSTRAINT pk_lead PRIMARY KEY (workspace_id, key)
        ) WITH (fillfactor = 60)
    """)
    op.execute("ALTER TABLE scoring.lead ALTER COLUMN state SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX ix_lead_workspace_id_lead_id ON scoring.lead (workspace_id, lead_id)")
    op.execute("CREATE INDEX ix_lead_stale ON scoring.lead (workspace_id, key) WHERE stale_at IS NOT NULL")
    op.execute("CREATE INDEX ix_lead_wake ON scoring.lead (wake_at) WHERE wake_at IS NOT NULL")
    op.execute("""
        CREATE TABLE scoring.checkpoint (
            workspace_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            at bigint NOT NULL,
            id text COLLATE "C" NOT NULL,
            state bytea NOT NULL,
            CONSTRAINT pk_checkpoint PRIMARY KEY (workspace_id, key, at, id)
        )
    """)


def _told() -> None:
    op.execute("""
        CREATE TABLE scoring.cycle (
            workspace_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            number integer NOT NULL,
            version bigint NOT NULL,
            body bytea NOT NULL,
            CONSTRAINT pk_cycle PRIMARY KEY (workspace_id, key, number)
        )
    """)
    op.execute("""
        CREATE TABLE scoring.listing (
            workspace_id uuid NOT NULL,
            lead_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            status text NOT NULL,
            stage text,
            channel text NOT NULL,
            cycle integer NOT NULL,
            shard smallint NOT NULL,
            since bigint NOT NULL,
            version bigint NOT NULL,
            updated_at bigint NOT NULL,
            CONSTRAINT pk_listing PRIMARY KEY (workspace_id, lead_id)
        )
    """)
    op.execute("CREATE INDEX ix_listing_updated ON scoring.listing (workspace_id, updated_at, lead_id)")
    op.execute("CREATE INDEX ix_listing_status ON scoring.listing (workspace_id, status, updated_at, lead_id)")
    op.execute("CREATE INDEX ix_listing_stage ON scoring.listing (workspace_id, stage, updated_at, lead_id)")
    op.execute("CREATE INDEX ix_listing_channel ON scoring.listing (workspace_id, channel, updated_at, lead_id)")
    op.execute("""
        CREATE TABLE scoring.model (
            workspace_id uuid NOT NULL,
            version integer NOT NULL,
            published_at bigint NOT NULL,
            body text NOT NULL,
            CONSTRAINT pk_model PRIMARY KEY (workspace_id, version)
        )
    """)
