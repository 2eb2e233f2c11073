"""``python -m services.metrics``: one process of metrics, all parts or those that ``METRICS_RUN`` names."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Final

from services.metrics import worker
from services.metrics.api.serving import run as serve_api
from services.metrics.bootstrap import Resources, opened
from services.metrics.settings import PARTS, MetricsSettings
from shared import logs, process
from shared.errors import Misconfigured
from shared.settings import EXIT_MISCONFIGURED, settings_of_process

_PARTS: Final[dict[str, Callable[[Resources, asyncio.Event], Coroutine[None, None, None]]]] = {
    "api": serve_api,
    "worker": worker.run,
}


async def serve(settings: MetricsSettings, stop: asyncio.Event) -> None:
    """Run the parts until ``stop`` is set; if one dies, the process dies with it."""
    async with opened(settings, stop) as own, asyncio.TaskGroup() as tasks:
        for part in settings.run:
            tasks.create_task(_PARTS[part](own, stop), name=part)


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(MetricsSettings)
    logs.configure("metrics")
    unknown = set(settings.run) - set(PARTS)
    if unknown:
        sys.stderr.write(f"METRICS_RUN: there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n")
        return EXIT_MISCONFIGURED
    try:
        return process.run(lambda stop: serve(settings, stop))
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
