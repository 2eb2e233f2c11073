"""``python -m services.scoring``: one process of scoring, all parts or those that ``SCORING_RUN`` names."""

import sys
from typing import Final

from services.scoring import api, catch_up, relay, worker
from services.scoring.bootstrap import Resources, opened
from services.scoring.settings import ScoringSettings
from shared.process import Part, run_parts
from shared.settings import settings_of_process

_PARTS: Final[dict[str, Part[Resources]]] = {
    "api": api.run,
    "worker": worker.run,
    "catch_up": catch_up.run,
    "relay": relay.run,
}


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(ScoringSettings)
    return run_parts("scoring", settings.run, _PARTS, lambda stop: opened(settings, stop))


if __name__ == "__main__":
    sys.exit(main())
