"""Programs that tests need from the system. A missing one fails, with the line that installs it; nothing is skipped."""

import shutil

import pytest


def require(program: str, package: str) -> str:
    """Where ``program`` is; fails the test with what to type when it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is missing: `make parts`, or `sudo apt-get install {package}`", pytrace=False)
    return found
