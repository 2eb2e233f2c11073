"""The product with one of its guards taken out, to prove that the harness notices. No switch of it is in the product.

``python -m tests.chaos.mutants NAME SERVICE`` runs that service with the fault built in.
"""

import asyncio
import random
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from services.metrics.handlers import changes as metrics_changes
from services.metrics.store import changes as metrics_store
from services.scoring.domain import state as states
from services.scoring.handlers import identifying, refolding
from services.scoring.store import history, leads
from services.scoring.store import identity as links_store
from shared.contracts.codec import decode_change
from shared.database.engine import connect
from shared.errors import Unavailable
from shared.streaming import positions, relay
from shared.streaming.postgres import topic as topics
from shared.streaming.postgres.producer import _NEW_SEGMENT, PostgresProducer
from shared.streaming.types import Append
from shared.vocabulary import TopicName

_WINDOW_SECONDS: Final = 0.2
"""A race that takes microseconds in the product is held open this long, so that a short run meets it."""


def _without(module: Any, name: str, text: str, instead: str = "") -> None:
    """Change a statement; a mutant whose text is no longer there would prove nothing."""
    statement: str = getattr(module, name)
    assert text in statement, f"{module.__name__}.{name} no longer says {text!r}"
    setattr(module, name, statement.replace(text, instead))


def no_compare() -> None:
    """Positions are advanced without looking where they stand."""
    _without(positions, "_CLAIM", "AND next_offset = $4", "AND $4::bigint IS NOT NULL")


def no_seen() -> None:
    """Ids are not remembered: what is sent twice counts twice."""

    async def remember(_connection: object, ids: Sequence[history.Seen]) -> set[bytes]:
        return {digest for _, digest, _ in ids}

    setattr(history, "remember", remember)  # noqa: B010 - a typed module does not let itself be patched otherwise
    history._STORE += " ON CONFLICT DO NOTHING"  # type: ignore[misc]
    links_store._ADD_LINKS += " ON CONFLICT DO NOTHING"  # type: ignore[misc]
    setattr(states, "appendable", lambda _state, _place: True)  # noqa: B010


def early_acknowledgement() -> None:
    """The door says 200 once the records are in memory, a second before they are written."""
    append = PostgresProducer.append
    pending: set[asyncio.Task[None]] = set()

    async def later(self: PostgresProducer, topic: str, records: Sequence[Append]) -> None:
        async def write() -> None:
            await asyncio.sleep(1)
            await append(self, topic, records)

        task = asyncio.create_task(write())
        pending.add(task)
        task.add_done_callback(pending.discard)

    setattr(PostgresProducer, "append", later)  # noqa: B010


_TOO_EARLY: Final = """
    INSERT INTO {table} (topic_id, partition, record_offset, appended_at, value)
    SELECT {id}, r.partition, $1 + row_number() OVER (PARTITION BY r.partition ORDER BY r.place),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, r.value
    FROM unnest($2::integer[], $3::bytea[]) WITH ORDINALITY AS r (partition, value, place)
"""
_HEADS: Final = """
    UPDATE streaming.head AS h SET next_offset = greatest(h.next_offset, $1 + n.total + 1)
    FROM (SELECT partition, count(*) AS total FROM unnest($3::integer[]) AS p (partition) GROUP BY partition) AS n
    WHERE h.topic_id = $2 AND h.partition = n.partition
"""


def bigserial_offsets() -> None:
    """Offsets are drawn from a counter before the commit; commits overtake each other."""
    segmented: set[str] = set()

    async def append(self: PostgresProducer, topic: str, records: Sequence[Append]) -> None:
        try:
            connection = await connect(self._dsn, self._role)
        except Exception as error:
            raise Unavailable(str(error)) from error
        try:
            stored = await topics.find(connection, topic)
            if topic not in segmented:
                await connection.execute(_NEW_SEGMENT, stored.id)
                segmented.add(topic)
            async with connection.transaction():
                drawn = await connection.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                await asyncio.sleep(random.random())
                partitions = [record.partition for record in records]
                statement = _TOO_EARLY.format(table=stored.table, id=stored.id)
                await connection.execute(statement, drawn, partitions, [record.value for record in records])
                await connection.execute(_HEADS, drawn, stored.id, partitions)
        except Exception as error:
            raise Unavailable(str(error)) from error
        finally:
            connection.terminate()

    setattr(PostgresProducer, "append", append)  # noqa: B010


def no_root_recheck() -> None:
    """Chains are read before they are locked, and believed."""

    async def locked(connection: Any, touched: Any, worlds: Any) -> Any:
        runs = await links_store.chains_up(connection, touched)
        await asyncio.sleep(_WINDOW_SECONDS)
        keys = await links_store.keys_up(connection, runs)
        missing = [key for key, exists in keys.items() if not exists]
        await leads.ensure(connection, identifying._with_ids(missing, worlds))
        rows = await leads.lock(connection, keys)
        return identifying.Chains(rows, runs)

    setattr(identifying, "lock_chains", locked)  # noqa: B010


class _AlwaysOlder(int):
    """A version that is lower than any other."""

    def __lt__(self, _other: int) -> bool:
        return True


def version_ignored() -> None:
    """Metrics counts whatever comes last, not what is newest; changes come twice and late (``stuttering_relay``)."""
    original = metrics_store.Version

    def version(number: int, cycle: Any) -> metrics_store.Version:
        return original(_AlwaysOlder(number), cycle)

    setattr(metrics_store, "Version", version)  # noqa: B010
    setattr(metrics_changes, "Version", version)  # noqa: B010
    _without(metrics_store, "_KEEP", "WHERE f.version < excluded.version")


def stuttering_relay() -> None:
    """Nothing wrong by itself: what was told of a lead before comes once more after what is new, as from a zombie."""
    original = relay.Relay.relay
    before: dict[str, Append] = {}

    async def relay_(self: relay.Relay, connection: Any) -> int:
        producer = self._producer
        append = producer.append

        async def noted(topic: str, records: Sequence[Append]) -> None:
            await append(topic, records)
            if topic == TopicName.CHANGES:
                told = {decode_change(record.value).lead_id: record for record in records}
                await append(topic, [before[lead] for lead in told if lead in before])
                before.update(told)

        setattr(producer, "append", noted)  # noqa: B010
        try:
            return await original(self, connection)
        finally:
            setattr(producer, "append", append)  # noqa: B010

    setattr(relay.Relay, "relay", relay_)  # noqa: B010


def stale_cleared_unlocked() -> None:
    """The catch-up worker does not lock what it takes, and clears the flag whatever was noted meanwhile."""
    _without(leads, "_TAKE_STALE", "FOR UPDATE SKIP LOCKED")
    read = refolding._read

    async def slow(connection: Any, work: Any) -> None:
        await read(connection, work)
        await asyncio.sleep(_WINDOW_SECONDS)

    setattr(refolding, "_read", slow)  # noqa: B010


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    function.__name__: function
    for function in (
        no_compare,
        no_seen,
        early_acknowledgement,
        bigserial_offsets,
        no_root_recheck,
        version_ignored,
        stuttering_relay,
        stale_cleared_unlocked,
    )
}

if __name__ == "__main__":
    _, mutant, service = sys.argv
    MUTANTS[mutant]()
    sys.argv = [f"services.{service}"]
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)
