"""Child processes that cannot outlive us."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final

from shared.embedded.account import Account, identity

_PR_SET_PDEATHSIG: Final = 1
INSIST_SECONDS: Final = 1.0
"""How long a process has after the second signal, before it is killed."""


async def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    death_signal: signal.Signals,
    account: Account | None = None,
) -> Process:
    """Start a program in a session of its own; the kernel sends it ``death_signal`` when this process dies.

    Must be called on the main thread: the kernel watches the thread that starts the child.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        cwd="/" if account is not None else None,
        env=dict(environment),
        stdin=DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_bind_to_parent(death_signal),
        **_any(identity(account)),
    )


async def stop(process: Process, first: signal.Signals, grace_seconds: float, last: signal.Signals) -> None:
    """Ask with ``first``, wait, insist with ``last``, wait again, and kill what is still there."""
    for number, seconds in ((first, grace_seconds), (last, INSIST_SECONDS), (signal.SIGKILL, None)):
        send(process, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await process.wait()
                return


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal, if the process is still there."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _bind_to_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec. Only Linux knows such a bond; elsewhere orphans are possible."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the bond was made
            os._exit(1)

    return bind


def _any(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return dict(arguments)
