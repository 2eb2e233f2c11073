"""Rates of keys and workspaces, and fair shares of what waits for the log, by a clock that the test moves."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.ingest.domain.rate import Rates
from services.ingest.handlers.allowances import Allowances
from shared.access import KeyKind, Principal
from shared.errors import RateLimited, Unavailable

_MANY = 1_000_000


class _Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _principal(key: str = "tw_a", workspace: int = 1, rate: int | None = None) -> Principal:
    return Principal(
        workspace=UUID(int=workspace),
        workspace_text=str(UUID(int=workspace)),
        workspace_name="w",
        secret=b"s",
        key_prefix=key,
        kind=KeyKind.WRITE,
        scopes=frozenset(),
        origins=frozenset(),
        protocol="native",
        items_per_second=rate,
    )


@pytest.fixture
def time() -> _Time:
    return _Time()


def _allowances(time: _Time, key: int = 10, workspace: int = 0, waiting: int = _MANY) -> Allowances:
    return Allowances(Rates(key_items=key, workspace_items=workspace, burst_seconds=10), waiting, time)


def _ask(allowances: Allowances, principal: Principal) -> dict[bytes, bytes]:
    """As the gate asks: what the answer is to tell; raises what the gate raises."""
    advice = allowances.advice(principal)
    allowances.check(principal)
    return dict(advice)


def test_who_is_far_from_the_limit_hears_nothing_of_it(time: _Time) -> None:
    allowances = _allowances(time)
    allowances.charge(_principal(), 50)

    assert _ask(allowances, _principal()) == {}


def test_who_is_near_the_limit_is_told_what_is_left(time: _Time) -> None:
    allowances = _allowances(time)
    allowances.charge(_principal(), 75)

    assert _ask(allowances, _principal()) == {
        b"ratelimit-policy": b'"key";q=100;qu="items";w=10',
        b"ratelimit": b'"key";r=25;t=8',
    }


def test_who_has_sent_too_much_waits_until_it_is_paid_off(time: _Time) -> None:
    allowances = _allowances(time)
    allowances.charge(_principal(), 130)

    with pytest.raises(RateLimited) as refused:
        _ask(allowances, _principal())
    assert refused.value.retry_after_seconds == 4
    assert dict(allowances.advice(_principal()))[b"ratelimit"] == b'"key";r=0;t=13'

    time.now += refused.value.retry_after_seconds
    _ask(allowances, _principal())


def test_no_more_than_a_minute_is_ever_owed(time: _Time) -> None:
    allowances = _allowances(time)
    allowances.charge(_principal(), _MANY)
    with pytest.raises(RateLimited) as refused:
        _ask(allowances, _principal())

    assert refused.value.retry_after_seconds == 61
    time.now += refused.value.retry_after_seconds
    _ask(allowances, _principal())


def test_a_job_has_what_is_beyond_half_of_every_allowance(time: _Time) -> None:
    allowances = _allowances(time, key=10, workspace=8, waiting=100)

    assert allowances.spare(_principal()) == 40
    allowances.charge(_principal("tw_b"), 70)
    assert allowances.spare(_principal()) == 0
    time.now += 4
    assert allowances.spare(_principal()) == 2
    allowances.hold(_principal().workspace_text, 50)
    assert allowances.spare(_principal()) == 0


def test_a_job_gets_on_at_the_lowest_rate(time: _Time) -> None:
    allowances = Allowances(Rates(key_items=1, workspace_items=0, burst_seconds=1), _MANY, time)

    assert allowances.spare(_principal()) == 1


def test_what_comes_in_is_no_more_than_the_burst(time: _Time) -> None:
    allowances = _allowances(time)
    allowances.charge(_principal(), 60)
    time.now += 3_600
    _ask(allowances, _principal())
    allowances.charge(_principal(), 100)

    with pytest.raises(RateLimited):
        _ask(allowances, _principal())


def test_keys_have_rates_of_their_own_and_share_that_of_their_workspace(time: _Time) -> None:
    allowances = _allowances(time, key=10, workspace=15)
    allowances.charge(_principal("tw_a"), 100)
    with pytest.raises(RateLimited, match="this key"):
        _ask(allowances, _principal("tw_a"))

    _ask(allowances, _principal("tw_b"))
    allowances.charge(_principal("tw_b"), 50)

    with pytest.raises(RateLimited, match="this workspace"):
        _ask(allowances, _principal("tw_c"))
    _ask(allowances, _principal("tw_d", workspace=2))


def test_a_key_may_be_faster_or_slower_than_others_and_change(time: _Time) -> None:
    allowances = _allowances(time)
    slow = _principal(rate=1)
    allowances.charge(slow, 10)
    with pytest.raises(RateLimited):
        _ask(allowances, slow)

    _ask(allowances, replace(slow, items_per_second=1_000))


def test_no_rate_is_no_limit(time: _Time) -> None:
    allowances = _allowances(time, key=0)
    allowances.charge(_principal(), 10**9)

    assert _ask(allowances, _principal()) == {}


def test_a_loud_workspace_leaves_room_for_one_who_comes(time: _Time) -> None:
    allowances = _allowances(time, waiting=100)
    loud, quiet = _principal(), _principal("tw_b", workspace=2)

    allowances.hold(loud.workspace_text, 49)
    _ask(allowances, loud)
    allowances.hold(loud.workspace_text, 1)
    with pytest.raises(Unavailable):
        _ask(allowances, loud)

    _ask(allowances, quiet)
    allowances.hold(quiet.workspace_text, 30)
    _ask(allowances, quiet)
    allowances.hold(quiet.workspace_text, 4)
    with pytest.raises(Unavailable):
        _ask(allowances, quiet)


def test_what_is_stored_waits_no_longer(time: _Time) -> None:
    allowances = _allowances(time, waiting=100)
    allowances.hold(_principal().workspace_text, 60)
    allowances.release(_principal().workspace_text, 60)

    _ask(allowances, _principal())
