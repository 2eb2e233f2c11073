"""Imports files: each row is a touchpoint or a refused item, durable before it is counted, so it can go on any time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from services.ingest import store
from services.ingest.domain.file_import import FileImport, Format, State
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.allowances import Allowances
from services.ingest.handlers.import_files import batches_of
from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols.import_items import Noted, RowReader, shown_touchpoint
from services.ingest.protocols.import_reading import Reading, reading_of
from services.ingest.protocols.import_rows import Row, RowIds, UnreadableFile
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.splitting import Split
from services.ingest.queries import count_taken, find_import, find_same_import
from shared.access import Principal
from shared.clock import SECOND, Clock
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import Conflict, FieldFault, InvalidRequest, NotFound

_SAVED_EVERY: Final = SECOND
_MAX_COLUMNS: Final = 5_000
"""So many are remembered; only a file of JSON may have more."""

_NAMED: Final = 20
"""So many columns are named where they are others than were asked for."""

_ASKED_EVERY_SECONDS: Final = 0.25
"""Whether there is room for more rows."""


class Importer:
    """Makes imports and runs them, as fast as what is sent live leaves room for."""

    def __init__(self, door: Door, allowances: Allowances, engine: Engine, clock: Clock) -> None:
        self._door = door
        self._allowances = allowances
        self._engine = engine
        self._clock = clock

    async def create(
        self,
        principal: Principal,
        *,
        file_format: Format,
        name: str = "",
        mapping: Mapping[str, Any] | None = None,
        is_dry_run: bool = False,
    ) -> FileImport:
        """A new import, which waits for its file. Raises InvalidRequest when the mapping is none, Transient."""
        try:
            if mapping is not None:
                reading_of(mapping, exports())
        except InvalidMapping as error:
            faults = [FieldFault(f"/mapping{pointer}", "invalid_value", detail) for pointer, detail in error.faults]
            raise InvalidRequest(*faults) from None
        now = self._clock.now()
        made = FileImport(
            id=uuid4().hex,
            name=name,
            format=file_format.value,
            mapping=None if mapping is None else dict(mapping),
            is_dry_run=is_dry_run,
            created_at=now,
            updated_at=now,
        )
        async with writing(self._engine) as session:
            await store.add_import(session, principal.workspace, made)
        return made

    async def find(self, principal: Principal, import_id: str) -> FileImport:
        """An import of the workspace. Raises NotFound, Transient."""
        async with writing(self._engine) as session:
            found = await find_import(session, principal.workspace, import_id)
        if found is None:
            raise NotFound("there is no such import")
        return found

    async def run(
        self, principal: Principal, job: FileImport, pieces: AsyncIterator[bytes]
    ) -> tuple[FileImport, dict[str, Any] | None]:
        """Take in the whole file; rows that are durable already are passed over. With a dry run's first touchpoint.

        Raises Unavailable and Transient (send the file again to go on), InvalidRequest when it cannot be read,
        Conflict when it is another file.
        """
        if job.state == State.DONE:
            raise Conflict("this import is done; make another one")
        run = _Run(self._door, principal, job)
        job.state, job.detail = State.RUNNING, ""
        try:
            await self._take_all(run, pieces)
            job.state = State.DONE
            await self._tell(run)
        except UnreadableFile as error:
            job.state, job.detail = State.FAILED, f"after row {run.number}: {error}" if run.number else str(error)
            raise InvalidRequest(FieldFault("", "unreadable_file", job.detail)) from None
        finally:
            if job.state == State.RUNNING:
                job.state, job.detail = State.INTERRUPTED, "send the file again to go on"
            await self._save(principal, job)
        first = run.noted.first if job.is_dry_run else None
        return job, None if first is None else shown_touchpoint(first)

    async def _tell(self, run: "_Run") -> None:
        """What is known of a file once it has ended."""
        job = run.job
        if not job.row_count:
            job.detail = "there is no row in it"
            return
        told: list[str] = []
        if repeated := run.ids.twins - job.twin_count:
            said = "1 row is" if repeated == 1 else f"{repeated} rows are"
            told.append(f"{said} equal to an earlier one, its id too: rows of one id are one touchpoint")
        job.missing = run.reading.missing_of(run.columns, is_useless=not job.accepted_count)
        async with writing(self._engine) as session:
            job.same_as = await find_same_import(session, run.principal.workspace, job)
            if job.refused and len(job.refused) == sum(job.codes.values()):  # else not all of their ids are known
                ids = [row["id"] for row in job.refused]
                if taken := await count_taken(session, run.principal.workspace, ids):
                    told.append(f"of the refused rows, {taken} came before, mended since and taken")
        job.detail = "; ".join(told)

    async def _take_all(self, run: "_Run", pieces: AsyncIterator[bytes]) -> None:
        await self._save(run.principal, run.job)
        async with aclosing(batches_of(Format(run.job.format), pieces, run.reading.layout)) as batches:
            async for rows in batches:
                run.check(rows)
                taken = 0
                while taken < len(rows):
                    size = await self._room(run, len(rows) - taken)
                    await run.take(rows[taken : taken + size])
                    await self._settle(run)
                    taken += size
                    if self._clock.now() - run.job.updated_at >= _SAVED_EVERY:
                        await self._save(run.principal, run.job)
        run.finish()

    async def _room(self, run: "_Run", wanted: int) -> int:
        """How many rows are next; waits while there is room for none. Rows of which nothing is sent need none."""
        if run.job.is_dry_run or run.number + wanted <= run.job.row_count:
            return wanted
        while not (spare := self._allowances.spare(run.principal)):  # noqa: ASYNC110 -- it comes back by time alone
            await asyncio.sleep(_ASKED_EVERY_SECONDS)
        return min(wanted, spare)

    async def _settle(self, run: "_Run") -> None:
        """What an earlier import refused of the rows that are taken now waits no longer: mended, it would count beside
        them."""
        taken, run.taken = run.taken, []
        if taken:
            async with writing(self._engine) as session:
                await store.mark_rows_taken(session, run.principal.workspace, taken, self._clock.now())

    async def _save(self, principal: Principal, job: FileImport) -> None:
        job.updated_at = self._clock.now()
        async with writing(self._engine) as session:
            await store.save_import(session, principal.workspace, job)


@dataclass(slots=True)
class _Run:
    """One pass over a file."""

    door: Door
    principal: Principal
    job: FileImport
    ids: RowIds = field(default_factory=RowIds)
    number: int = 0
    noted: Noted = field(default_factory=Noted)
    columns: set[str] = field(default_factory=set)
    """Those that a row fills."""

    taken: list[str] = field(default_factory=list)
    """Under which ids the rows that were taken last are kept where they were refused before."""

    reading: Reading = field(init=False)
    reader: RowReader = field(init=False)

    def __post_init__(self) -> None:
        self.reading = reading_of(self.job.mapping, exports())
        self.reader = self.reading.reader(self.job.id, self.noted)

    def check(self, rows: Sequence[Row]) -> None:
        """The next rows as they were read. Raises UnreadableFile when the first of all are another mapping's."""
        if self.number:
            return
        said = [row.value for row in rows if row.value is not None]
        if self.reading.is_of_another(said):
            raise UnreadableFile("it has none of the columns of this mapping; name them with columns, or header")
        has_columns = self.job.format != Format.NDJSON  # there each row says its own
        if has_columns and self.reading.is_without_kind(said):
            columns = list(dict.fromkeys(name for value in said for name in value))
            more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
            named = ", ".join(columns[:_NAMED]) + more
            told = f"it has the columns {named}; none is kind: give --mapping (in the API: mapping)"
            raise UnreadableFile(f"{told}, which says where the parts of a touchpoint stand")

    async def take(self, rows: Sequence[Row]) -> None:
        """The next rows; counted once their outcome is durable. Raises Conflict when they are another file's."""
        items: list[bytes] = []
        numbers: list[int] = []
        ids: dict[int, list[str]] = {}
        twins: set[int] = set()
        for row in rows:
            self.number += 1
            if row.value is not None and not self.columns.issuperset(row.value) and len(self.columns) < _MAX_COLUMNS:
                self.columns.update(row.value)
            earlier = self.ids.twins
            row_id = self.ids.id_of(row)
            if self.number > self.job.row_count:
                if self.ids.twins > earlier:
                    twins.add(self.number)
                made = self.reading.items_of(self.number, row_id, row)
                items += made
                numbers += [self.number] * len(made)
                ids[self.number] = [row_id, *(f"{row_id}-{at}" for at in range(1, len(made)))]
            elif self.number == self.job.row_count:
                self._check_same_file()
        if self.number <= self.job.row_count:
            return
        if items:
            await self._take(items, numbers, ids)
        self.job.row_count = self.number
        self.job.timeless_count += len(self.noted.timeless)
        self.job.early_count += len(self.noted.early)
        self.job.twin_count += len(twins - self.noted.named)
        self.noted.forget()
        self.job.read_so_far = self.ids.so_far()

    def finish(self) -> None:
        """The file has ended. Raises Conflict when it is shorter than what was read of it before."""
        if self.number < self.job.row_count:
            self._check_same_file()

    async def _take(self, items: list[Any], numbers: Sequence[int], ids: Mapping[int, list[str]]) -> None:
        parcel = Parcel(Split(items), self.reader)
        job = self.job
        if job.is_dry_run:
            outcomes = self.door.look(self.principal, parcel)
            refused = [(index, one.id, one.refusal) for index, one in enumerate(outcomes) if isinstance(one, Rejected)]
        else:
            receipt = await self.door.accept(self.principal, parcel)
            refused = [(one.index, one.id, one.refusal) for one in receipt.rejected]
        # A row counts once, whatever touchpoints are in it; it is refused when one of them is.
        first_of = {numbers[index]: (item_id, why) for index, item_id, why in reversed(refused)}
        good = set(numbers) - first_of.keys()
        job.accepted_count += len(good)
        if not job.is_dry_run:
            self.taken = [one for number in sorted(good) for one in ids[number]]
        for number, (item_id, why) in sorted(first_of.items()):
            job.refuse(number, item_id, why)

    def _check_same_file(self) -> None:
        if self.ids.so_far() != self.job.read_so_far:
            raise Conflict("this is not the file that the import began with; make another import for it")
