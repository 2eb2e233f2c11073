"""A port of its own in front of a server, for one client: what it was answered is known, whoever else asks as well."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_GONE: Final = 0
_CHUNK: Final = 65_536


@dataclass(slots=True)
class Relay:
    """Where the client is pointed to, and what it was answered; 0 where it hung up before it was.

    ``gate`` holds back what clients send until so many of them have come, so that they all ask at once.
    """

    port: int
    upstream: int
    gate: asyncio.Barrier
    has_come: bool = False
    statuses: list[int] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of this port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def has_refused(self) -> bool:
        """Whether the client went without an answer, or with a bad one."""
        return any(status != 200 for status in self.statuses)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if not self.has_come:
            self.has_come = True
            await self.gate.wait()
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        asking = [False]

        async def ask() -> None:
            while data := await _read(reader):
                asking[0] = True
                inner_writer.write(data)
            if asking[0]:
                self.statuses.append(_GONE)

        async def answer() -> None:
            while data := await _read(inner_reader):
                asking[0] = False
                self.statuses += map(int, _STATUS.findall(data))
                writer.write(data)

        pipes = {asyncio.create_task(ask()), asyncio.create_task(answer())}
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pipe in pipes:
                pipe.cancel()
            inner_writer.close()
            writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_CHUNK)
    except ConnectionError:
        return b""


@asynccontextmanager
async def relaying(upstream: int, gate: asyncio.Barrier) -> AsyncIterator[Relay]:
    """A relay to a port of this machine."""
    relay = Relay(0, upstream, gate)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
