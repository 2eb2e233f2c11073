"""How other commands reach the instance of a data folder: a socket in it, served by whoever holds the lock."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.embedded.socket_folder import make_socket_folder, socket_folder

_NAME: Final = "control.sock"
_TIMEOUT_SECONDS: Final = 5.0


class Ask(StrEnum):
    """What can be asked."""

    STATUS = "status"
    STOP = "stop"


@asynccontextmanager
async def serving(folder: Path, answer: Callable[[Ask], dict[str, Any]]) -> AsyncIterator[None]:
    """Answer while the block runs. Only the same account (and root) can ask. The caller holds the folder's lock."""
    path = make_socket_folder(folder, _NAME, os.geteuid()) / _NAME
    path.unlink(missing_ok=True)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError, msgspec.DecodeError):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                asked = Ask(msgspec.json.decode(await reader.readline(), type=str))
                writer.write(msgspec.json.encode(answer(asked)) + b"\n")
                await writer.drain()
        writer.close()

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    server = await asyncio.start_unix_server(talk, sock=listener)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def ask(folder: Path, question: Ask) -> dict[str, Any] | None:
    """The answer of the instance on ``folder``, or None when none answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.connect(str(socket_folder(folder, _NAME) / _NAME))
            connection.sendall(msgspec.json.encode(question) + b"\n")
            with connection.makefile("rb") as reader:
                found: dict[str, Any] = msgspec.json.decode(reader.readline())
                return found
    except (OSError, msgspec.DecodeError):
        return None
