"""``python -m services.ingest``: one process of ingest, all parts or those that ``INGEST_RUN`` names."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Final

from services.ingest import rejections
from services.ingest.api import serving
from services.ingest.bootstrap import Resources, opened
from services.ingest.settings import PARTS, IngestSettings
from shared import logs, process
from shared.errors import Misconfigured
from shared.settings import EXIT_MISCONFIGURED, settings_of_process

_PARTS: Final[dict[str, Callable[[Resources, asyncio.Event], Coroutine[None, None, None]]]] = {
    "api": serving.run,
    "rejections": rejections.run,
}


async def serve(settings: IngestSettings, stop: asyncio.Event) -> None:
    """Run the parts until ``stop`` is set; if one dies, the process dies with it."""
    async with opened(settings) as own, asyncio.TaskGroup() as tasks:
        for part in settings.run:
            tasks.create_task(_PARTS[part](own, stop), name=part)


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(IngestSettings)
    logs.configure("ingest")
    unknown = set(settings.run) - set(PARTS)
    if unknown:
        sys.stderr.write(f"INGEST_RUN: there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n")
        return EXIT_MISCONFIGURED
    try:
        return process.run(lambda stop: serve(settings, stop))
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
