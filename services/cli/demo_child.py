"""The demo month loading beside a running instance, as a child that ends with it."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.embedded.journal import Journal
from shared.embedded.process import spawn, stop


async def load_demo(folder: Path, environment: Mapping[str, str]) -> int:
    """Send the demo month to the instance on ``folder``; the exit code of `tragt demo`."""
    journal = Journal(folder / "logs" / "demo.log")
    with journal.opened() as output:
        process = await spawn(
            [sys.executable, "-m", "services.cli", "demo", "--data", str(folder)],
            environment=environment,
            output=output,
            death_signal=signal.SIGKILL,
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await stop(process, signal.SIGTERM, 1.0, signal.SIGKILL)
