"""One run: start the product, send and hurt it for a time, wait for quiet, judge."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from services.scoring.handlers import rebuilding
from shared.clock import SECOND, SystemClock, to_datetime
from shared.database.engine import create_pool
from shared.database.roles import Role
from tests.chaos import audit, verdict
from tests.chaos.cluster import PROCESSES, Running, running, until_ready
from tests.chaos.faults import Faults
from tests.chaos.history import STEPS_OF_NEIGHBOURHOOD, Sent, generate
from tests.chaos.quiet import until_quiet
from tests.chaos.senders import Book, Senders, Tally
from tests.chaos.verdict import Facts, Findings
from tests.reference.answers import facts, leads
from tests.reference.histories import SECRET, WORKSPACE
from tests.reference.message import Message
from tests.scoring_driver import b2b_document

_SENDERS: Final = 4
_QUIET_SECONDS: Final = 60.0
_FEWEST: Final = 5
_PATIENCE_SECONDS: Final = 60.0
_LONGEST_DELIVERY: Final = 10
"""A timer may fire so many seconds after its instant: the watermark lags by the delivery deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to run: which log, for how long, from which seed, with which mutants (process to fault)."""

    log: str
    seconds: float
    seed: int
    good: int
    bad: int
    mutants: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What a run did and what does not hold."""

    wanted: Wanted
    findings: Findings
    tally: Tally
    faults: dict[str, int]
    progress_seconds: float | None = None
    counted: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The report for people."""
        tally = self.tally
        head = [
            f"log {self.wanted.log}, seed {self.wanted.seed}, {self.wanted.seconds:.0f} s",
            f"faults delivered: {', '.join(f'{name} {times}' for name, times in sorted(self.faults.items()))}",
            (
                f"requests: {tally.accepted_requests} accepted, {tally.accepted_during_faults} of them during faults, "
                f"{tally.refused_requests} refused (503 and the like), {tally.failures} broken off, "
                f"{tally.duplicates} sent twice on purpose; longest delivery {tally.longest_seconds:.1f} s"
            ),
            f"content: {', '.join(f'{name} {number}' for name, number in sorted(self.counted.items()))}",
            f"first batch {self.progress_seconds} s after the last fault was healed",
        ]
        return head + (self.findings.lines() or ["0 lost, 0 doubled, 0 unclassified, 0 differing from the reference"])


async def run(wanted: Wanted) -> Report:
    """Run once and judge."""
    clock = SystemClock()
    sent = generate(wanted.seed, wanted.good, wanted.bad, clock.now())
    async with running(wanted.log, wanted.mutants) as product:
        await audit.install(product.dsn)
        with (
            tempfile.TemporaryDirectory(prefix="tragt-senders-") as folder,
            closing(Book(Path(folder) / "history.jsonl")) as book,
        ):
            senders = Senders(product.address("ingest"), product.key, book, wanted.seed)
            faults = Faults(product, senders, wanted.seed)
            with suppress(TimeoutError):  # what was never accepted by then is told by the verdict
                async with asyncio.timeout(wanted.seconds + _PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
                    tasks.create_task(senders.run(sent, _SENDERS, wanted.seconds))
                    tasks.create_task(faults.run(max(1.0, wanted.seconds - 8)))
            healed = to_datetime(clock.now())
            findings = Findings()
            said = verdict.read_history(book.read())
        report = Report(wanted, findings, senders.tally, dict(faults.delivered))
        await _judge(product, sent, said, faults, healed, report)
    return report


async def _judge(
    product: Running, sent: Sequence[Sent], said: verdict.Accepted, faults: Faults, healed: datetime, report: Report
) -> None:
    findings = report.findings
    moving = await until_quiet(product, _QUIET_SECONDS)
    findings.add("I12 quiet", [moving] if moving else [])
    try:
        await until_ready(product, 30)
    except AssertionError as error:
        findings.add("I12 ready", [str(error)])
        return
    connection = await asyncpg.connect(product.dsn)
    try:
        await verdict.judge_store(connection, said, sent, findings)
        last = faults.healed_at or healed
        report.progress_seconds = await verdict.judge_positions(connection, product.log, last, findings)
        await verdict.judge_outbox(connection, findings)
        told = await verdict.told_facts(connection)
        accepted = [one.message for one in sent if one.message is not None and one.id in said.accepted]
        await asyncio.to_thread(_judge_against_reference, told, accepted, findings)
        report.counted = await _content(connection, accepted, told)
        findings.add("too little to mean something", _too_small(report))
        await _rebuild(product)
        findings.add("I8 quiet", [m] if (m := await until_quiet(product, _QUIET_SECONDS)) else [])
        verdict.judge_facts(await verdict.told_facts(connection), told, "I8 rebuild", findings)
        await verdict.judge_metrics(product, findings)
    finally:
        await connection.close()


def _judge_against_reference(told: Facts, accepted: Sequence[Message], findings: Findings) -> None:
    now = SystemClock().now()
    expected = _expected(accepted, now - _LONGEST_DELIVERY * SECOND)
    later = _expected(accepted, now) if told != expected else expected
    settled = {
        key: later[key] if told.get(key) == later.get(key) and key in later else fact for key, fact in expected.items()
    }
    settled |= {key: fact for key, fact in later.items() if key not in expected and told.get(key) == fact}
    verdict.judge_facts(told, settled, "I5 reference", findings)


def _expected(accepted: Sequence[Message], at: int) -> Facts:
    """The reference's facts, one neighbourhood after the other (they share no key)."""
    model = b2b_document()
    neighbourhoods: dict[int, list[Message]] = {}
    for message in accepted:
        neighbourhoods.setdefault(int(message["id"][1:]) // STEPS_OF_NEIGHBOURHOOD, []).append(message)
    found: Facts = {}
    for messages in neighbourhoods.values():
        found |= {key: dict(fact) for key, fact in facts(leads(messages, model, SECRET, at).values()).items()}
    return found


async def _content(connection: asyncpg.Connection, accepted: Sequence[Message], told: Facts) -> dict[str, int]:
    """How much of what matters was in the run."""
    statuses = await connection.fetch("SELECT status, count(*) FROM scoring.listing GROUP BY status")
    refused = await connection.fetchval("SELECT count(*) FROM ingest.rejected")
    corrected = await connection.fetchval(
        "SELECT count(*) FROM streaming.outbox WHERE topic = 'lead.changes.v1'"
        " AND convert_from(value, 'UTF8') SIMILAR TO '%\"cause\":\\{\"(correction|merge)\":%'"
    )
    merged = await connection.fetchval("SELECT count(DISTINCT (key, target)) FROM scoring.run WHERE origin <> 'split'")
    return {
        "touchpoints": len(accepted),
        "refused items": refused,
        "MQLs": sum("mql" in fact["steps"] for fact in told.values()),
        "SQLs": sum("sql" in fact["steps"] for fact in told.values()),
        "late or merged refolds": corrected,
        "joined keys": merged,
        **{f"leads {row[0]}": row[1] for row in statuses},
    }


def _too_small(report: Report) -> list[str]:
    """A run that met nothing proves nothing."""
    counted, wanted = report.counted, report.wanted
    share = {"MQLs": 0.02, "SQLs": 0.01, "late or merged refolds": 0.05, "joined keys": 0.2}
    small = [f"{name} {counted[name]}" for name, part in share.items() if counted[name] < part * wanted.good]
    if counted["refused items"] < wanted.bad:
        small.append(f"refused items {counted['refused items']} of {wanted.bad}")
    if report.tally.accepted_during_faults < _FEWEST:
        small.append(f"{report.tally.accepted_during_faults} requests accepted during faults")
    targets = {*PROCESSES, "postgres", "zombie", *(["broker"] if wanted.log == "kafka" else [])}
    small += [f"no fault for {name}" for name in sorted(targets) if not report.faults.get(name)]
    return small


async def _rebuild(product: Running) -> None:
    pool = await create_pool(product.postgres.dsn(), Role.SCORING_WORKER, size=1)
    async for _ in rebuilding.mark_all(pool, UUID(WORKSPACE)):
        pass
    await pool.close()
