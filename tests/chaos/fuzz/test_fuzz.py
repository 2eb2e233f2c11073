"""Half a minute of the fuzzer; ``make chaos`` runs it for ten, guided by what each input reaches."""

from pathlib import Path

import pytest

from tests.chaos.fuzz import door
from tests.chaos.fuzz.tally import SLOW_SECONDS, Tally, told_in
from tests.chaos.fuzz.targets import TARGETS
from tests.chaos.fuzz.worker import blindly, tried

_SEED = 20_261_126


@pytest.mark.chaos
@pytest.mark.filterwarnings("ignore:deprecated string literal syntax:PendingDeprecationWarning")  # of JMESPath
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_is_sent_makes_a_parser_fail_or_slow(target: str, tmp_path: Path) -> None:
    told = blindly(target, tmp_path, 0.4, _SEED).told

    assert told.findings == []
    assert told.slowest_seconds < SLOW_SECONDS
    assert told.inputs > len(TARGETS[target].seeds())


@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_nothing_that_is_sent_makes_the_door_fail(tmp_path: Path) -> None:
    done = door.bombard(5, tmp_path, _SEED)

    assert done.findings == []
    assert done.statuses.total() > done.routes


def test_what_is_raised_is_found_once_and_its_input_kept(tmp_path: Path) -> None:
    def take(_target: str, data: bytes) -> None:
        if b"7" in data:
            raise ZeroDivisionError

    tally = Tally("some", tmp_path)
    for number in range(20):
        tried(tally, take, "some", b"%d" % number)
    tally.write()

    told = told_in(tmp_path)
    assert told.inputs == 20
    (found,) = told.findings
    assert "ZeroDivisionError" in found.what
    assert Path(found.file).read_bytes() == b"7"
