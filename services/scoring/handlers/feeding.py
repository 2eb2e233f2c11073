"""The feed of changes: gap-free pages after a cursor, waited for when there is nothing new (core 5)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from services.scoring.connectors.announcements import Announcements
from services.scoring.queries import feed
from services.scoring.queries.driver import driver_of
from services.scoring.queries.feed import Numbered
from shared.contracts import codec
from shared.contracts.lead_change import LeadChange
from shared.database.connection import Engine
from shared.database.session import reading
from shared.errors import Gone

START_OVER: Final = (
    "the feed does not reach back to this cursor; take a new one with after=latest, read all leads once "
    "(GET /v1/leads), then go on from the new cursor"
)


class Cursor(NamedTuple):
    """The place after a change. A restored database begins a new epoch, in which older numbers mean nothing."""

    epoch: int
    sequence: int


class NumberedChange(NamedTuple):
    """A change and its place in the feed."""

    sequence: int
    change: LeadChange


class FeedPage(NamedTuple):
    """Consecutive changes, and the cursor to go on from."""

    changes: list[NumberedChange]
    next: Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The feed of one workspace. ``engine`` connects as the reader role."""

    engine: Engine
    announcements: Announcements
    workspace: UUID
    epoch: int

    async def latest(self) -> FeedPage:
        """No changes, and the cursor after the last one there is."""
        async with reading(self.engine, self.workspace) as session:
            last = await feed.last(await driver_of(session), self.workspace)
        return FeedPage([], Cursor(self.epoch, last))

    async def page(self, after: Cursor | None, limit: int) -> FeedPage:
        """The changes after a cursor, without one from the oldest that is kept. Raises Gone."""
        if after is not None and after.epoch != self.epoch:
            raise Gone(START_OVER)
        async with reading(self.engine, self.workspace) as session:
            connection = await driver_of(session)
            rows = await feed.after(connection, self.workspace, after.sequence if after else 0, limit)
            last = await feed.last(connection, self.workspace)
        start = after.sequence if after else rows[0].sequence - 1 if rows else last
        rows = _consecutive(rows, start)
        reached = rows[-1].sequence if rows else start
        if not rows and start != last:
            raise Gone(START_OVER)
        return FeedPage(
            [NumberedChange(row.sequence, codec.decode_change(row.value)) for row in rows], Cursor(self.epoch, reached)
        )

    async def awaited(self, after: Cursor | None, limit: int, wait_seconds: float) -> FeedPage:
        """The same, but when there is nothing it waits so long for something. Raises Gone."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_seconds
        while True:
            heard = self.announcements.number
            page = await self.page(after, limit)
            if page.changes or not await self.announcements.changed(heard, deadline - clock()):
                return page


def _consecutive(rows: Sequence[Numbered], start: int) -> list[Numbered]:
    """The rows from the first on as long as their numbers follow each other; what is beyond a gap is not told."""
    return [row for place, row in enumerate(rows, start + 1) if row.sequence == place]
