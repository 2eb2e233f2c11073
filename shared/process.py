"""One process of the product: its loop, its signals and its end. SIGTERM ends it in time, whatever hangs."""

import asyncio
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias, TypeVar

import structlog
import uvloop

from shared import logs
from shared.errors import Misconfigured

_R = TypeVar("_R")
Part: TypeAlias = Callable[[_R, asyncio.Event], Coroutine[Any, Any, None]]
"""One part of a service: runs on the process's resources until the event is set."""

_GRACE_SECONDS: Final = 7.0
_LAST_RESORT_SECONDS: Final = 9.0
_YOUNG_OBJECTS: Final = 10_000
_MALLOC: Final = {-1: 64 * 2**20, -2: 2**20, -3: 32 * 2**20}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD (malloc.h), in bytes."""

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_MISCONFIGURED: Final = 2
"""Starting again will not help: a setting must change."""


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Run ``main`` until it returns, giving it an event that SIGTERM and SIGINT set; the process's exit code.

    After the signal ``main`` has 7 s to return; then it is cancelled; after 9 s the process ends at once and prints
    where each thread stood.
    """
    _spare_the_collector()
    _spare_the_kernel()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_supervise(main))


def run_parts(
    service: str,
    chosen: Sequence[str],
    parts: Mapping[str, Part[_R]],
    opened: Callable[[asyncio.Event], AbstractAsyncContextManager[_R]],
) -> int:
    """Run the chosen parts of a service on shared resources until told to end; the process's exit code.

    If one part dies, the process dies with it. A part that does not exist, and what is misconfigured, are said.
    """
    logs.configure(service)
    unknown = sorted(set(chosen) - set(parts))
    if unknown:
        sys.stderr.write(
            f"{service.upper()}_RUN: there is no part {', '.join(unknown)}; there are {', '.join(parts)}\n"
        )
        return EXIT_MISCONFIGURED

    async def serve(stop: asyncio.Event) -> None:
        async with opened(stop) as own, asyncio.TaskGroup() as tasks:
            for part in chosen:
                tasks.create_task(parts[part](own, stop), name=part)

    return run(serve)


def member_id() -> str:
    """Names this process among the members of a consumer group."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _spare_the_collector() -> None:
    """Leave out of every garbage collection what lives as long as the process, and collect less often.

    Hundreds of requests in flight survive the young generations; with the defaults each round of them makes the
    collector walk through all modules again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def _spare_the_kernel() -> None:
    """Keep some of the memory that is freed.

    Left alone, glibc gives it back after each large message, and the next one takes it page by page, a fault each: a
    tenth of all that the door does in batches. Elsewhere than on glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, size in _MALLOC.items():
            mallopt(option, size)


async def _supervise(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _begin_end, stop)
    task = asyncio.create_task(_call(main, stop))
    watcher = asyncio.create_task(stop.wait())
    await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
    watcher.cancel()
    done, _ = await asyncio.wait({task}, timeout=_GRACE_SECONDS)
    if not done:
        task.cancel("the grace after the signal is over")
        await asyncio.wait({task})
    return _outcome(task, stop)


async def _call(main: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    await main(stop)


def _begin_end(stop: asyncio.Event) -> None:
    if not stop.is_set():
        stop.set()
        last_resort = threading.Timer(_LAST_RESORT_SECONDS, _end_now)
        last_resort.daemon = True
        last_resort.start()


def _end_now() -> None:
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_FAILED)


def _is_misconfigured(error: BaseException) -> bool:
    """Whether nothing but a change of settings will help; tasks wrap their errors in groups."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_misconfigured(inner) for inner in error.exceptions)
    return isinstance(error, Misconfigured)


def _outcome(task: "asyncio.Task[None]", stop: asyncio.Event) -> int:
    log = structlog.get_logger("process")
    if task.cancelled():
        log.warning("process.cancelled", stopping=stop.is_set())
        return EXIT_OK if stop.is_set() else EXIT_FAILED
    error = task.exception()
    if error is not None:
        log.error("process.failed", exc_info=error)
        return EXIT_MISCONFIGURED if _is_misconfigured(error) else EXIT_FAILED
    return EXIT_OK
