"""Facts as scoring tells them when asked, and counting those we have missed: after a loss, or in a new database."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol
from uuid import UUID

import msgspec

from services.metrics.domain.cycle import Cycle
from services.metrics.handlers.changes import Incoming, count, cycle_of
from services.metrics.store.changes import FactKey, Version
from shared.clock import Clock
from shared.contracts.lead_change import CycleFact
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.vocabulary import SHARD_COUNT

_DECODER: Final = msgspec.json.Decoder(CycleFact)
_AT_ONCE: Final = 500


class ToldFact(Protocol):
    """A fact as scoring tells it."""

    @property
    def lead_id(self) -> UUID: ...  # noqa: D102
    @property
    def fact_key(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def fact(self) -> msgspec.Raw: ...  # noqa: D102


Pages = AsyncIterator[Sequence[ToldFact]]
"""Facts by ascending lead id."""


def cycle_told(told: ToldFact) -> Cycle:
    """The cycle in a fact. Raises InvalidRecord, or a decoding error, when it is not one."""
    return cycle_of(_DECODER.decode(told.fact))


async def adopt(pool: Pool, workspace: UUID, pages: Pages, zones: Sequence[str], clock: Clock) -> int:
    """Count every fact that is newer than what we hold; returns how many. Harmless beside live traffic.

    What a change says of the same version is the same, so whichever comes first counts. Raises Transient.
    """
    adopted = 0
    async for page in pages:
        for start in range(0, len(page), _AT_ONCE):
            incoming = dict(_incoming(workspace, told) for told in page[start : start + _AT_ONCE])
            async with borrowed(pool) as connection, connection.transaction():
                adopted += await count(connection, incoming, zones, clock.now())
    return adopted


def _incoming(workspace: UUID, told: ToldFact) -> tuple[FactKey, Incoming]:
    fact = Version(told.version, cycle_told(told))
    key = FactKey(workspace, told.lead_id.int % SHARD_COUNT, told.lead_id, told.fact_key)
    return key, Incoming(fact, is_late=False, model_version=0)
