import pytest

from shared.errors import RefusalLimit
from shared.streaming.refusals import MAX_RUN, Refusals, advance


def test_good_batches_leave_nothing_behind() -> None:
    assert advance(Refusals(), 1_000, 0) == Refusals()


def test_a_run_across_batches_stops_at_its_limit() -> None:
    state = Refusals()
    for _ in range(MAX_RUN):
        state = advance(state, 1, 1)

    with pytest.raises(RefusalLimit, match="21 records in a row"):
        advance(state, 1, 1)


def test_a_good_record_between_ends_the_run() -> None:
    state = advance(Refusals(), 15, 15)

    state = advance(state, 15, 14)

    assert state.run == 0
    assert state == Refusals(run=0, records=30, refused=29)


def test_a_ratio_over_a_tenth_of_a_hundred_stops() -> None:
    state = advance(Refusals(), 99, 10)

    with pytest.raises(RefusalLimit, match="11 of the last 100"):
        advance(state, 1, 1)


def test_a_tenth_is_still_allowed() -> None:
    assert advance(Refusals(), 100, 10).refused == 10


def test_a_few_refusals_among_many_never_stop() -> None:
    state = Refusals()

    for _ in range(1_000):
        state = advance(state, 100, 5)

    assert state.records < 1_000


def test_yesterdays_good_records_do_not_hide_todays_bad_ones() -> None:
    state = Refusals()
    for _ in range(100):
        state = advance(state, 500, 1)

    with pytest.raises(RefusalLimit, match="of the last"):
        advance(state, 150, 149)
