"""streaming: positions and the outbox beside a service's state, and the embedded log with its leases."""

from alembic import op

from shared.database.roles import SERVICES

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

_WORKERS = ", ".join(f"{service}_worker" for service in SERVICES)
_READERS = ", ".join(f"{service}_reader" for service in SERVICES)
_TABLES = ("lease", "member", "record", "head", "topic", "sequence", "outbox", "position")


def upgrade() -> None:
    """Create the tables, the functions that split the log into parts, and who may use them."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    _positions_and_outbox()
    _log()
    _groups()
    for table in _TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON streaming.{table} TO {_WORKERS}")
    _isolate_outbox()
    _functions()


def downgrade() -> None:
    """Drop everything again, records included."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    for signature in ("drop_segments(integer, bigint)", "create_segment(integer, bigint)"):
        op.execute(f"DROP FUNCTION streaming.{signature}")
    op.execute("DROP FUNCTION streaming.create_topic(text, integer, bigint, bigint)")
    for table in _TABLES:
        op.execute(f"DROP TABLE streaming.{table}")
    op.execute(f"REVOKE USAGE ON SCHEMA streaming FROM {_READERS}")


def _positions_and_outbox() -> None:
    op.execute("""
        CREATE TABLE streaming.position (
            consumer_group text NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            next_offset bigint NOT NULL,
            appended_at bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_position PRIMARY KEY (consumer_group, topic, partition)
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE streaming.outbox (
            id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
            service text NOT NULL,
            workspace_id uuid NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            value bytea NOT NULL,
            recorded_at bigint NOT NULL,
            sequence bigint,
            published boolean NOT NULL DEFAULT false,
            CONSTRAINT pk_outbox PRIMARY KEY (id)
        )
    """)
    op.execute("CREATE INDEX ix_outbox_unpublished ON streaming.outbox (service, id) WHERE NOT published")
    op.execute("""
        CREATE UNIQUE INDEX uq_outbox_sequence ON streaming.outbox (workspace_id, topic, service, sequence)
        WHERE sequence IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE streaming.sequence (
            service text NOT NULL,
            workspace_id uuid NOT NULL,
            topic text NOT NULL,
            last_sequence bigint NOT NULL,
            CONSTRAINT pk_sequence PRIMARY KEY (service, workspace_id, topic)
        ) WITH (fillfactor = 50)
    """)


def _log() -> None:
    op.execute("""
        CREATE TABLE streaming.topic (
            id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
            name text NOT NULL,
            partitions integer NOT NULL,
            retention_seconds bigint NOT NULL,
            segment_seconds bigint NOT NULL,
            CONSTRAINT pk_topic PRIMARY KEY (id),
            CONSTRAINT uq_topic_name UNIQUE (name)
        )
    """)
    op.execute("""
        CREATE TABLE streaming.head (
            topic_id integer NOT NULL,
            partition integer NOT NULL,
            next_offset bigint NOT NULL DEFAULT 0,
            appended_at bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk_head PRIMARY KEY (topic_id, partition)
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE streaming.record (
            topic_id integer NOT NULL,
            partition integer NOT NULL,
            record_offset bigint NOT NULL,
            appended_at bigint NOT NULL,
            value bytea NOT NULL,
            CONSTRAINT pk_record PRIMARY KEY (topic_id, partition, record_offset, appended_at)
        ) PARTITION BY LIST (topic_id)
    """)
    # Readers are sequential and values are JSON: what compression saves in pages it costs twice in time.
    op.execute("ALTER TABLE streaming.record ALTER COLUMN value SET STORAGE EXTERNAL")


def _groups() -> None:
    op.execute("""
        CREATE TABLE streaming.member (
            consumer_group text NOT NULL,
            topic text NOT NULL,
            member text NOT NULL,
            expires_at timestamp with time zone NOT NULL,
            CONSTRAINT pk_member PRIMARY KEY (consumer_group, topic, member)
        ) WITH (fillfactor = 50)
    """)
    op.execute("""
        CREATE TABLE streaming.lease (
            consumer_group text NOT NULL,
            topic text NOT NULL,
            partition integer NOT NULL,
            member text,
            expires_at timestamp with time zone NOT NULL,
            CONSTRAINT pk_lease PRIMARY KEY (consumer_group, topic, partition)
        ) WITH (fillfactor = 50)
    """)


def _isolate_outbox() -> None:
    """The feed of changes reads these for people, so they are isolated like a service's own tables."""
    op.execute(f"GRANT USAGE ON SCHEMA streaming TO {_READERS}")
    for table in ("outbox", "sequence"):
        op.execute(f"ALTER TABLE streaming.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE streaming.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"""
            CREATE POLICY reader ON streaming.{table} FOR SELECT TO scoring_reader
            USING (workspace_id = nullif(current_setting('app.workspace', true), '')::uuid)
        """)
        op.execute(f"CREATE POLICY worker ON streaming.{table} TO {_WORKERS} USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT ON streaming.{table} TO scoring_reader")
    op.execute(f"GRANT SELECT ON streaming.position TO {_READERS}")


def _functions() -> None:
    """Parts of the log are made and dropped by their owner on behalf of workers, who may not do so themselves."""
    op.execute("""
        CREATE FUNCTION streaming.create_topic(
            topic_name text, partition_count integer, retention bigint, segment bigint
        ) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE new_id integer;
        BEGIN
            INSERT INTO streaming.topic (name, partitions, retention_seconds, segment_seconds)
            VALUES (topic_name, partition_count, retention, segment)
            ON CONFLICT (name) DO NOTHING RETURNING id INTO new_id;
            IF new_id IS NULL THEN
                RETURN NULL;
            END IF;
            INSERT INTO streaming.head (topic_id, partition) SELECT new_id, generate_series(0, partition_count - 1);
            EXECUTE format(
                'CREATE TABLE streaming.record_%s PARTITION OF streaming.record FOR VALUES IN (%s)'
                ' PARTITION BY RANGE (appended_at)', new_id, new_id);
            EXECUTE format(
                'GRANT SELECT, INSERT ON streaming.record_%s TO ingest_worker, scoring_worker, metrics_worker', new_id);
            RETURN new_id;
        END $function$
    """)
    op.execute("""
        CREATE FUNCTION streaming.create_segment(of_topic integer, instant bigint)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            width bigint;
            beginning bigint;
            segment text;
        BEGIN
            SELECT segment_seconds * 1000000 INTO STRICT width FROM streaming.topic WHERE id = of_topic FOR UPDATE;
            beginning := instant - instant % width;
            segment := format('streaming.record_%s_%s', of_topic, beginning / width);
            IF to_regclass(segment) IS NOT NULL THEN
                RETURN;
            END IF;
            -- Attaching, unlike CREATE ... PARTITION OF, lets readers and writers of other segments go on.
            EXECUTE format('CREATE TABLE %s (LIKE streaming.record INCLUDING ALL)', segment);
            EXECUTE format('ALTER TABLE streaming.record_%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
                of_topic, segment, beginning, beginning + width);
        END $function$
    """)
    op.execute("""
        CREATE FUNCTION streaming.drop_segments(of_topic integer, before bigint)
        RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            width bigint;
            segment regclass;
            dropped integer := 0;
        BEGIN
            SELECT segment_seconds * 1000000 INTO STRICT width FROM streaming.topic WHERE id = of_topic FOR UPDATE;
            FOR segment IN
                SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = format('streaming.record_%s', of_topic)::regclass
                AND (split_part(c.relname, '_', 3)::bigint + 1) * width <= before
                ORDER BY split_part(c.relname, '_', 3)::bigint
            LOOP
                EXECUTE format('DROP TABLE %s', segment);
                dropped := dropped + 1;
            END LOOP;
            RETURN dropped;
        END $function$
    """)
    for signature in (
        "create_topic(text, integer, bigint, bigint)",
        "create_segment(integer, bigint)",
        "drop_segments(integer, bigint)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION streaming.{signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION streaming.{signature} TO {_WORKERS}")
