"""An ingest that is killed when it has appended a batch of events and not yet committed where it stands.

``python -m tests.integration.ingest.killed_events``, with the settings of ingest. No switch of it is in the product.
"""

import os
import signal
import sys
from typing import Final

from services.ingest.__main__ import main
from services.ingest.handlers.events import EventHandler
from shared.database.connection import Connection
from shared.streaming.processor import Handled
from shared.streaming.types import Batch

_HANDLE: Final = EventHandler.handle


async def _append_and_die(self: EventHandler, connection: Connection, batch: Batch) -> Handled:
    handled = await _HANDLE(self, connection, batch)
    os.kill(os.getpid(), signal.SIGKILL)
    return handled


if __name__ == "__main__":
    setattr(EventHandler, "handle", _append_and_die)  # noqa: B010 -- a typed module does not let itself be patched otherwise
    sys.exit(main())
