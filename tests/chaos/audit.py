"""Eyes in the database: every move of a position is written down as it commits, so a lost or double claim shows."""

from typing import Final

import asyncpg

_INSTALL: Final = """
    CREATE TABLE public.audit (
        at timestamptz NOT NULL DEFAULT clock_timestamp(), consumer_group text, topic text, partition integer,
        before bigint, after bigint
    );
    CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO public.audit (consumer_group, topic, partition, before, after)
        VALUES (new.consumer_group, new.topic, new.partition, old.next_offset, new.next_offset);
        RETURN NULL;
    END $$;
    CREATE TRIGGER audit AFTER UPDATE ON streaming.position FOR EACH ROW EXECUTE FUNCTION public.audit();
"""
_BROKEN: Final = """
    SELECT consumer_group, partition, before, after FROM (
        SELECT *, lag(after) OVER (PARTITION BY consumer_group, topic, partition ORDER BY before, after) AS previous
        FROM public.audit
    ) AS moves
    WHERE after <= before OR (previous IS NOT NULL AND previous <> before)
"""
_PROGRESS: Final = "SELECT min(at) - $1::timestamptz FROM public.audit WHERE at > $1"


async def install(dsn: str) -> None:
    """Begin to write down."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_INSTALL)
    await connection.close()


async def broken_moves(connection: asyncpg.Connection) -> list[str]:
    """Moves that go back, overlap or leave a gap (invariants I6 and I7)."""
    return [f"{row[0]}[{row[1]}]: {row[2]} -> {row[3]}" for row in await connection.fetch(_BROKEN)]


async def seconds_to_progress(connection: asyncpg.Connection, since: object) -> float | None:
    """How long after an instant the first batch was committed; None when there was none."""
    waited = await connection.fetchval(_PROGRESS, since)
    return waited.total_seconds() if waited is not None else None
