"""``python -m services.metrics``: one process of metrics, all parts or those that ``METRICS_RUN`` names."""

import sys
from typing import Final

from services.metrics import worker
from services.metrics.api.serving import run as serve_api
from services.metrics.bootstrap import Resources, opened
from services.metrics.settings import MetricsSettings
from shared.process import Part, run_parts
from shared.settings import settings_of_process

_PARTS: Final[dict[str, Part[Resources]]] = {"api": serve_api, "worker": worker.run}


def main() -> int:
    """The process; its exit code."""
    settings = settings_of_process(MetricsSettings)
    return run_parts("metrics", settings.run, _PARTS, lambda stop: opened(settings, stop))


if __name__ == "__main__":
    sys.exit(main())
