"""Reading bodies within bounds: each of them, and all that the process holds at once while it waits for the log."""

from starlette.types import Message, Receive

from services.ingest.protocols.compression import too_large
from shared.errors import Unavailable


class ClientGone(Exception):
    """The client hung up before its request was in; there is nobody to answer."""


class Intake:
    """Counts the bytes of bodies from their first part until ``give_back``."""

    def __init__(self, max_body_bytes: int, max_held_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_held_bytes = max_held_bytes
        self._held = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body, to be given back. Raises TooLarge; Unavailable when too much is held already; ClientGone."""
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                part = _part_of(message)
                size += len(part)
                self.take(len(part), size)
                if not message.get("more_body"):
                    return b"".join([*parts, part]) if parts else part
                parts.append(part)
        except BaseException:
            self.give_back(size)
            raise

    def give_back(self, size: int) -> None:
        """So many bytes that were taken are no longer held: the request is answered, or there is none."""
        self._held -= size

    def take(self, more: int, size: int) -> None:
        """Count ``more`` bytes of a body in, which is ``size`` so far; they are to be given back whatever happens.

        Raises TooLarge; Unavailable when too much is held already.
        """
        self._held += more
        if size > self._max_body_bytes:
            raise too_large(self._max_body_bytes)
        if self._held > self._max_held_bytes:
            raise Unavailable("too many requests wait to be stored; send it again")


def _part_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    part: bytes = message.get("body", b"")
    return part
