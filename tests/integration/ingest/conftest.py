"""A door on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.ingest_door import OpenDoor, open_door


@pytest.fixture
async def door(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    async with open_door(database, admin_dsn) as opened:
        yield opened
