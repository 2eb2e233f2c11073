"""Takes CloudEvents out of a topic of others: through the door, like what is posted."""

from typing import Final

from services.ingest.handlers.accepting import Door
from services.ingest.protocols.cloudevents_envelope import open_records
from shared.access import Scope
from shared.database.connection import Connection
from shared.errors import Declined, Unavailable
from shared.http.auth import AccessCache, check_scope
from shared.streaming.processor import Handled
from shared.streaming.types import Batch

GROUP: Final = "ingest.events"


class EventHandler:
    """A batch of records to touchpoints and refused items on our own log.

    The position is committed after they are durable there. When that fails the batch comes again, and every event has
    the id it had, so it counts once.
    """

    def __init__(self, door: Door, access: AccessCache, key: str) -> None:
        self._door = door
        self._access = access
        self._key = key

    async def handle(self, _connection: Connection, batch: Batch) -> Handled:
        """Append all of the batch. Raises Unavailable. Refused events do not stop it: they are others', and kept."""
        try:
            principal = self._access.authenticate([self._key])
            check_scope(principal, Scope.INGEST)
        except Declined as error:
            raise Unavailable(f"the key of INGEST_EVENTS_KEY is not good: {error}") from None
        parcel = open_records((record.headers, record.value) for record in batch.records)
        receipt = await self._door.accept(principal, parcel)
        return Handled(records=len(batch.records), fresh=receipt.accepted)
