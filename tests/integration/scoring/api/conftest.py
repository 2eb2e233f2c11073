"""The scoring API ten days after the first touchpoint."""

from collections.abc import AsyncIterator

import pytest

from shared.clock import DAY
from tests.integration.scoring.api.service import T0, Service, opened


@pytest.fixture
async def service(database: str) -> AsyncIterator[Service]:
    async with opened(database, T0 + 10 * DAY) as service:
        yield service
