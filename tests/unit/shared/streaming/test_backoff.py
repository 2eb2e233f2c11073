from shared.streaming.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


class _Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_pauses_grow_and_stay_below_the_longest() -> None:
    backoff = Backoff(lambda: 0.999999, _Time(), budget_seconds=1)

    pauses = [backoff.failed() for _ in range(12)]

    assert pauses == sorted(pauses, key=lambda pause: pause or 0)
    assert FIRST_SECONDS < (pauses[0] or 0) < (pauses[-1] or 0) <= LONGEST_SECONDS


def test_jitter_at_most_halves_a_pause() -> None:
    shortest = Backoff(lambda: 0.0, _Time(), budget_seconds=1).failed()
    longest = Backoff(lambda: 1.0, _Time(), budget_seconds=1).failed()

    assert (shortest, longest) == (FIRST_SECONDS, 2 * FIRST_SECONDS)


def test_budget_runs_from_the_first_failure_after_a_success() -> None:
    time = _Time()
    backoff = Backoff(lambda: 0.5, time, budget_seconds=10)
    backoff.failed()
    time.seconds = 9
    backoff.failed()
    backoff.succeeded()
    assert not backoff.failing
    time.seconds = 12
    assert backoff.failed() is not None
    time.seconds = 22.1

    assert backoff.failed() is None
    assert backoff.failing
