from shared.streaming.types import Partition
from shared.streaming.watchdog import Watchdog, lag

_A = Partition("t", 0)
_B = Partition("t", 1)
_ENDS = {_A: 10, _B: 10}


def test_a_partition_that_does_not_move_while_records_wait_is_stuck() -> None:
    watchdog = Watchdog(patience_seconds=10)

    assert watchdog.stuck(0, _ENDS, {_A: 3, _B: 10}, {_A, _B}) == frozenset()
    assert watchdog.stuck(9.9, _ENDS, {_A: 3, _B: 10}, {_A, _B}) == frozenset()
    assert watchdog.stuck(10, _ENDS, {_A: 3, _B: 10}, {_A, _B}) == {_A}


def test_any_progress_gives_full_patience_again() -> None:
    watchdog = Watchdog(patience_seconds=10)
    watchdog.stuck(0, _ENDS, {_A: 3}, {_A})

    watchdog.stuck(9, _ENDS, {_A: 4}, {_A})

    assert watchdog.stuck(18, _ENDS, {_A: 4}, {_A}) == frozenset()
    assert watchdog.stuck(19, _ENDS, {_A: 4}, {_A}) == {_A}


def test_patience_begins_when_records_wait_not_before() -> None:
    watchdog = Watchdog(patience_seconds=10)
    watchdog.stuck(0, {_A: 10}, {_A: 10}, {_A})

    watchdog.stuck(60, {_A: 11}, {_A: 10}, {_A})

    assert watchdog.stuck(61, {_A: 11}, {_A: 10}, {_A}) == frozenset()


def test_partitions_of_other_members_are_theirs_to_watch() -> None:
    watchdog = Watchdog(patience_seconds=10)
    watchdog.stuck(0, _ENDS, {_A: 10, _B: 0}, {_A})

    assert watchdog.stuck(100, _ENDS, {_A: 10, _B: 0}, {_A}) == frozenset()


def test_a_member_without_partitions_watches_all() -> None:
    watchdog = Watchdog(patience_seconds=10)
    watchdog.stuck(0, _ENDS, {}, set())

    assert watchdog.stuck(10, _ENDS, {}, set()) == {_A, _B}


def test_reset_starts_over() -> None:
    watchdog = Watchdog(patience_seconds=10)
    watchdog.stuck(0, _ENDS, {}, {_A})

    watchdog.reset()

    assert watchdog.stuck(10, _ENDS, {}, {_A}) == frozenset()


def test_lag_counts_what_is_past_the_positions_and_never_less_than_nothing() -> None:
    assert lag(_ENDS, {_A: 4, _B: 12}) == 6
    assert lag(_ENDS, {}) == 20
