"""A minute of chaos on each log; ``make chaos FOR=300`` is the long form."""

import sys

import pytest

from tests.chaos.run import Wanted, run


@pytest.mark.chaos
@pytest.mark.timeout(420)
@pytest.mark.parametrize("log", ["postgres", "kafka"])
async def test_every_number_is_right_after_everything_was_killed(log: str) -> None:
    report = await run(Wanted(log=log, seconds=60, seed=20_261_125, good=4_000, bad=80))
    sys.stdout.write("\n".join(report.lines()))

    assert report.findings.broken == {}
