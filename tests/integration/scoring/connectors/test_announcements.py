"""Word of new changes over a connection that is cut, and over the end of the process."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.scoring.connectors.announcements import Announcements
from shared.database.roles import Role
from shared.streaming.relay import NOTIFY_STAMPED
from tests.integration.database.cut import cut_all_others
from tests.waiting import eventually

PATIENCE_SECONDS = 20


@pytest.fixture
async def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def announcements(database: str, stop: asyncio.Event) -> AsyncIterator[Announcements]:
    """Listening to the database."""
    listening = Announcements(database, Role.SCORING_READER)
    task = asyncio.create_task(listening.run(stop))
    assert await listening.changed(0, PATIENCE_SECONDS), "being connected is news: something may have been missed"
    yield listening
    stop.set()
    await task


@pytest.fixture
async def admin(admin_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_dsn)
    yield connection
    await connection.close()


async def test_all_who_wait_hear_of_news(announcements: Announcements, admin: asyncpg.Connection) -> None:
    number = announcements.number
    waiting = [asyncio.create_task(announcements.changed(number, PATIENCE_SECONDS)) for _ in range(3)]

    await admin.execute(f"NOTIFY {NOTIFY_STAMPED}")

    assert await asyncio.gather(*waiting) == [True] * 3


async def test_who_looked_before_the_news_does_not_miss_it(
    announcements: Announcements, admin: asyncpg.Connection
) -> None:
    number = announcements.number

    async def heard() -> bool:
        return announcements.number > number

    await admin.execute(f"NOTIFY {NOTIFY_STAMPED}")
    await eventually(heard, within_seconds=PATIENCE_SECONDS, what="word has come")

    assert await announcements.changed(number, 0)


async def test_waiting_in_vain_ends(announcements: Announcements) -> None:
    assert not await announcements.changed(announcements.number, 0.05)


async def test_a_cut_connection_is_made_again_and_nobody_waits_for_what_was_missed(
    announcements: Announcements, admin_dsn: str
) -> None:
    number = announcements.number
    waiting = asyncio.create_task(announcements.changed(number, PATIENCE_SECONDS))

    await cut_all_others(admin_dsn)

    assert await waiting
    number = announcements.number
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"NOTIFY {NOTIFY_STAMPED}")
    await admin.close()
    assert await announcements.changed(number, PATIENCE_SECONDS)


async def test_the_end_of_the_process_ends_all_waiting(announcements: Announcements, stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(announcements.changed(announcements.number, PATIENCE_SECONDS))

    stop.set()

    assert not await waiting
    assert not await announcements.changed(announcements.number, PATIENCE_SECONDS)
