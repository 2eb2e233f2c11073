"""Counts what was taken although it violated a schema, in memory, and writes it down beside the requests."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from services.ingest import store
from services.ingest.domain.schema import Mode, Violation
from services.ingest.protocols.arrival import violations
from services.ingest.protocols.outcome import Outcome, Schemas
from services.ingest.store import Violations
from shared.contracts.touchpoint import Touchpoint
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import Transient

_MAX_PLACES: Final = 10_000
"""Counted at once between two writes; of more, those seen first."""


class Warned(NamedTuple):
    """A touchpoint that was taken with a violation."""

    kind: str
    version: int
    violation: Violation
    item_id: str


def watched(outcomes: Iterable[Outcome], schemas: Schemas, warned: list[Warned]) -> Iterator[Outcome]:
    """The same outcomes, while what violates a schema that only warns is put down in ``warned``."""
    for outcome in outcomes:
        if isinstance(outcome, Touchpoint):
            in_force = schemas.get(outcome.kind)
            if in_force is not None and in_force.mode is Mode.WARN:
                found = violations(in_force, outcome.properties, outcome.traits)
                warned += [Warned(outcome.kind, in_force.version, one, outcome.id) for one in found]
        yield outcome


class SchemaTally:
    """Counts by workspace, kind, version and place of the schema, which are bounded whatever is sent.

    A process that is killed loses what it counted in its last second; one that ends writes it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counted: dict[tuple[UUID, str, int, str], Violations] = {}

    def note(self, workspace: UUID, warned: Sequence[Warned], now: int) -> None:
        """Count them."""
        for kind, version, (pointer, detail, place), item_id in warned:
            key = (workspace, kind, version, place)
            self._add(
                key,
                Violations(
                    workspace=workspace,
                    kind=kind,
                    version=version,
                    place=place,
                    pointer=pointer,
                    detail=detail,
                    item_id=item_id,
                    count=1,
                    last_at=now,
                ),
            )

    async def flush(self) -> None:
        """Write down what was counted. Raises Transient; it is counted on then."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        try:
            async with writing(self._engine) as session:
                await store.count_violations(session, list(counted.values()))
        except BaseException:
            since, self._counted = self._counted, counted
            for key, row in since.items():
                self._add(key, row)
            raise

    async def close(self) -> None:
        """Write down what is left, if the database is there."""
        with contextlib.suppress(Transient):
            await self.flush()

    def _add(self, key: tuple[UUID, str, int, str], row: Violations) -> None:
        known = self._counted.get(key)
        if known is not None:
            self._counted[key] = replace(row, count=known.count + row.count)
        elif len(self._counted) < _MAX_PLACES:
            self._counted[key] = row
