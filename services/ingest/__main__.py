"""``python -m services.ingest``: one process of ingest, all parts or those that ``INGEST_RUN`` names."""

import sys
from typing import Final

from services.ingest import events, rejections
from services.ingest.api import serving
from services.ingest.bootstrap import Resources, opened
from services.ingest.settings import IngestSettings
from shared.process import Part, run_parts
from shared.settings import settings_of_process

_PARTS: Final[dict[str, Part[Resources]]] = {"api": serving.run, "rejections": rejections.run, "events": events.run}


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(IngestSettings)
    return run_parts("ingest", settings.run, _PARTS, lambda _stop: opened(settings))


if __name__ == "__main__":
    sys.exit(main())
