"""``python -m services.scoring``: one process of scoring, all parts or those that ``SCORING_RUN`` names."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Final

from services.scoring import api, catch_up, relay, worker
from services.scoring.bootstrap import Resources, opened
from services.scoring.settings import PARTS, ScoringSettings
from shared import logs, process
from shared.errors import Misconfigured
from shared.settings import EXIT_MISCONFIGURED, settings_of_process

_PARTS: Final[dict[str, Callable[[Resources, asyncio.Event], Coroutine[None, None, None]]]] = {
    "api": api.run,
    "worker": worker.run,
    "catch_up": catch_up.run,
    "relay": relay.run,
}


async def serve(settings: ScoringSettings, stop: asyncio.Event) -> None:
    """Run the parts until ``stop`` is set; if one dies, the process dies with it."""
    async with opened(settings, stop) as own, asyncio.TaskGroup() as tasks:
        for part in settings.run:
            tasks.create_task(_PARTS[part](own, stop), name=part)


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(ScoringSettings)
    logs.configure("scoring")
    unknown = set(settings.run) - set(PARTS)
    if unknown:
        sys.stderr.write(f"SCORING_RUN: there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n")
        return EXIT_MISCONFIGURED
    try:
        return process.run(lambda stop: serve(settings, stop))
    except Misconfigured as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_MISCONFIGURED


if __name__ == "__main__":
    sys.exit(main())
