"""Keeps refused items: from the log, where whoever refused put them, into the one table."""

from uuid import UUID

from services.ingest import store
from services.ingest.protocols.retrying import fingerprint
from services.ingest.store import RejectedRow
from shared.contracts.codec import decode_rejection
from shared.contracts.rejection import TWIN_MARK
from shared.database.connection import Connection
from shared.errors import InvalidRecord
from shared.streaming.processor import Handled
from shared.streaming.types import Batch


class RejectionHandler:
    """A batch of rejections to rows. A retry is kept once; what says something else under its id gets an own one."""

    async def handle(self, connection: Connection, batch: Batch) -> Handled:
        """A record that is no rejection belongs to no workspace, so it is counted and not kept."""
        rows = [row for record in batch.records if (row := _row(record.value)) is not None]
        fresh = await store.keep(connection, rows) if rows else 0
        return Handled(records=len(batch.records), fresh=fresh, refused=len(batch.records) - len(rows))


def _row(value: bytes) -> RejectedRow | None:
    try:
        rejection = decode_rejection(value)
        workspace = UUID(rejection.workspace)
    except (InvalidRecord, ValueError):
        return None
    item_id, said = _storable(rejection.id), fingerprint(rejection.payload)
    return RejectedRow(
        workspace=workspace,
        id=item_id,
        code=rejection.code,
        pointer=_storable(rejection.pointer),
        detail=_storable(rejection.detail),
        protocol=rejection.protocol,
        refused_by=rejection.refused_by,
        received_at=rejection.received_at,
        payload=rejection.payload,
        key=rejection.key,
        fingerprint=said,
        twin_id=f"{item_id}{TWIN_MARK}{said.hex()}",
    )


def _storable(text: str) -> str:
    """Text as PostgreSQL takes it."""
    return text.replace("\0", "")
