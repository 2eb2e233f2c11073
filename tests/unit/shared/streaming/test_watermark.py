from shared.streaming.types import Partition
from shared.streaming.watermark import oldest

_A = Partition("t", 0)
_B = Partition("t", 1)
_NOW = 1_000


def test_processed_to_the_end_is_now() -> None:
    assert oldest({_A: (5, 700), _B: (0, 0)}, {_A: 5, _B: 0}, _NOW) == _NOW


def test_a_backlog_holds_it_at_the_last_processed_record() -> None:
    assert oldest({_A: (4, 700), _B: (9, 300)}, {_A: 5, _B: 9}, _NOW) == 700


def test_the_oldest_backlog_decides() -> None:
    assert oldest({_A: (4, 700), _B: (8, 300)}, {_A: 5, _B: 9}, _NOW) == 300


def test_a_partition_nobody_has_begun_holds_it_at_the_beginning_of_time() -> None:
    assert oldest({}, {_A: 5}, _NOW) == 0


def test_an_append_time_ahead_of_our_clock_does_not_carry_it_ahead() -> None:
    assert oldest({_A: (4, 2_000)}, {_A: 5}, _NOW) == _NOW
