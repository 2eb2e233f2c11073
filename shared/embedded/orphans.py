"""What an instance that died left behind on our data folder. Only asked for while we hold the folder's lock."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

_GRACE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05


async def clear_server(data: Path) -> None:
    """End every server process that still works in ``data``, then drop its note of a process number.

    PostgreSQL refuses to start while the noted number belongs to any process, even one that got it after a reboot.
    We hold the lock of the folder, so whoever works in it has lost its supervisor.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _GRACE_SECONDS
    while left := _working_in(data):
        _signal(left, signal.SIGQUIT if loop.time() < deadline else signal.SIGKILL)
        await asyncio.sleep(_PAUSE_SECONDS)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _working_in(folder: Path) -> list[psutil.Process]:
    """PostgreSQL's processes whose working folder it is: they enter their data folder at once and stay."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == str(folder):
                found.append(process)
    return found


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
