"""The verdict: invariants I1 to I12 of a run, from the senders' history and the databases. Empty: all hold."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg
import httpx
import msgspec

from services.scoring.domain import state as states
from services.scoring.handlers.publishing import fact_of
from tests.chaos import audit
from tests.chaos.cluster import Running
from tests.chaos.history import Sent

PROGRESS_SECONDS: Final = {"postgres": 5.0, "kafka": 15.0}
_SHOWN: Final = 3


@dataclass(slots=True)
class Findings:
    """What does not hold, by invariant."""

    broken: dict[str, list[str]] = field(default_factory=dict)

    def add(self, invariant: str, details: Iterable[str]) -> None:
        """Note what breaks an invariant; nothing when there are no details."""
        found = list(details)
        if found:
            self.broken.setdefault(invariant, []).extend(found)

    def lines(self) -> list[str]:
        """One line per broken invariant, with the first examples."""
        return [
            f"{name}: {len(found)}, e.g. {'; '.join(found[:_SHOWN])}" for name, found in sorted(self.broken.items())
        ]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the door said of each id."""

    accepted: frozenset[str]
    rejected: frozenset[str]
    sent: frozenset[str]


def read_history(lines: Sequence[dict[str, Any]]) -> Accepted:
    """The senders' word, from their fsynced history."""
    accepted = {one for line in lines for one in line.get("accepted", ())}
    rejected = {one for line in lines for one in line.get("rejected", ())}
    return Accepted(
        frozenset(accepted), frozenset(rejected), frozenset(o for line in lines for o in line.get("sent", ()))
    )


async def judge_store(connection: asyncpg.Connection, said: Accepted, sent: Sequence[Sent], findings: Findings) -> None:
    """I1 to I4: what was acknowledged is there once, what was refused is kept, and nothing else is."""
    good = {one.id for one in sent if one.message is not None}
    bad = {one.id for one in sent if one.message is None}
    rows = await connection.fetch("SELECT id FROM scoring.touchpoint")
    stored = Counter(row["id"] for row in rows)
    kept = {row["id"] for row in await connection.fetch("SELECT id FROM ingest.rejected")}
    findings.add("I1 lost", (said.accepted - stored.keys()) | (said.rejected - kept))
    findings.add("I2 doubled", (one for one, times in stored.items() if times > 1))
    findings.add("I3 from nowhere", stored.keys() - said.sent)
    findings.add("I4 never answered", (good | bad) - said.accepted - said.rejected)
    findings.add("unclassified", (said.accepted & bad) | (said.rejected & good))
    counted = sum(
        states.decode(row["state"]).count
        for row in await connection.fetch("SELECT state FROM scoring.lead WHERE state IS NOT NULL")
    )
    if counted != len(stored):
        findings.add("I2 counted", [f"leads count {counted} touchpoints of {len(stored)}"])


async def judge_positions(
    connection: asyncpg.Connection, log: str, healed: datetime, findings: Findings
) -> float | None:
    """I6, I7 and I12: positions move as one chain, and soon after the last fault is healed they move."""
    findings.add("I6/I7 positions", await audit.broken_moves(connection))
    waited = await audit.seconds_to_progress(connection, healed)
    if waited is None or waited > PROGRESS_SECONDS[log]:
        findings.add("I12 progress", [f"{waited} s after the last fault was healed"])
    return waited


async def judge_outbox(connection: asyncpg.Connection, findings: Findings) -> None:
    """I10: every change is numbered without a gap and published; versions of a lead are consecutive."""
    gaps = await connection.fetch("""
        SELECT topic, count(*), max(sequence) FROM streaming.outbox WHERE service = 'scoring'
        GROUP BY workspace_id, topic HAVING count(*) <> max(sequence) OR count(*) <> count(DISTINCT sequence)
    """)
    findings.add("I10 feed", (f"{row[0]}: {row[1]} rows, last number {row[2]}" for row in gaps))
    versions = await connection.fetch("""
        SELECT lead_id, count(*), max(version) - min(version) + 1 FROM (
            SELECT convert_from(value, 'UTF8')::jsonb ->> 'lead_id' AS lead_id,
                (convert_from(value, 'UTF8')::jsonb ->> 'version')::bigint AS version
            FROM streaming.outbox WHERE topic = 'lead.changes.v1'
        ) AS changes GROUP BY lead_id HAVING count(*) <> max(version) - min(version) + 1
    """)
    findings.add("I10 versions", (f"{row[0]}: {row[1]} changes over {row[2]} versions" for row in versions))


async def judge_metrics(product: Running, findings: Findings) -> None:
    """I9: maintained cells equal a recount of the facts, and the facts equal scoring's."""
    async with httpx.AsyncClient(timeout=120) as client:
        answer = await client.post(
            f"{product.address('metrics')}/v1/reconcile", headers={"Authorization": f"Bearer {product.key}"}
        )
    if answer.status_code != httpx.codes.OK:
        findings.add("I9 reconcile", [f"{answer.status_code} {answer.text[:200]}"])
        return
    report = answer.json()
    if not report["agrees"]:
        findings.add("I9 metrics", [f"{part}: {report[part]}"[:300] for part in ("cell", "fact")])


Facts = dict[tuple[str, str], dict[str, Any]]


async def told_facts(connection: asyncpg.Connection) -> Facts:
    """The facts that scoring has told, as JSON."""
    rows = await connection.fetch("""
        SELECT l.lead_id, c.number, c.body FROM scoring.cycle AS c
        JOIN scoring.lead AS l ON l.workspace_id = c.workspace_id AND l.key = c.key
    """)
    return {
        (str(row["lead_id"]), f"cycle:{row['number']}"): msgspec.json.decode(
            msgspec.json.encode(fact_of(states.decode_cycle(row["body"])))
        )
        for row in rows
    }


def judge_facts(told: Facts, expected: Facts, invariant: str, findings: Findings) -> None:
    """I5 and I8: facts, lead ids included, are those of the plain reference (or of the rebuild)."""
    differing = [
        f"{lead} {key}: told {told.get((lead, key))}, expected {expected.get((lead, key))}"
        for lead, key in sorted(told.keys() | expected.keys())
        if told.get((lead, key)) != expected.get((lead, key))
    ]
    findings.add(invariant, differing)
