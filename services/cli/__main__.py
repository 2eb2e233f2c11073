"""The ``tragt`` command. The only place that reads the environment and ends the process."""

import os
import sys

from services.cli.app import build_app
from services.cli.context import Given, seen
from services.cli.exits import Ended


def main() -> None:
    """Run one command and exit with its code."""
    around = Given(dict(os.environ))  # noqa: TID251  (this is the place)
    try:
        build_app()(obj=around)
    except Ended as ended:
        around.errors.print(seen(str(ended)), markup=False, highlight=False, soft_wrap=True)
        sys.exit(ended.code)


if __name__ == "__main__":
    main()
