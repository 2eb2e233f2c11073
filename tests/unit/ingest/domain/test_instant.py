"""Instants as written, and what they were by our clock."""

import pytest

from services.ingest.domain.instant import occurred_at, parse_instant
from services.ingest.domain.refusal import Refused
from shared.clock import DAY, HOUR, MINUTE, SECOND
from shared.vocabulary import Code

_NOW = 1_795_000_000 * SECOND


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-05-01T12:00:00Z", 1_714_564_800_000_000),
        ("2024-05-01T12:00:00.5Z", 1_714_564_800_500_000),
        ("2024-05-01T12:00:00.123456Z", 1_714_564_800_123_456),
        ("2024-05-01T12:00:00.123456789Z", 1_714_564_800_123_456),
        ("2024-05-01T14:00:00+02:00", 1_714_564_800_000_000),
        ("2024-05-01T12:00:00.000+00:00", 1_714_564_800_000_000),
        ("2024-05-01T12:00:00", 1_714_564_800_000_000),
        ("2024-05-01", 1_714_521_600_000_000),
    ],
)
def test_instant_is_read_to_the_microsecond(text: str, microseconds: int) -> None:
    assert parse_instant(text, "/occurred_at") == microseconds


@pytest.mark.parametrize(
    "text",
    ["300000-01-01T00:00:00Z", "+300000-01-01T00:00:00Z", "yesterday", "2024-02-30T00:00:00Z", "1714564800", " "],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_instant(text, "/occurred_at")

    assert caught.value.refusal.code is Code.INVALID_INSTANT
    assert caught.value.refusal.pointer == "/occurred_at"


def test_instant_before_1970_is_out_of_range() -> None:
    with pytest.raises(Refused) as caught:
        parse_instant("1969-12-31T23:59:59Z", "/occurred_at")

    assert caught.value.refusal.code is Code.OUT_OF_RANGE


def test_without_a_time_of_its_own_it_happened_when_it_arrived() -> None:
    assert occurred_at(_NOW, None, None) == _NOW
    assert occurred_at(_NOW, None, _NOW - HOUR) == _NOW


def test_without_a_time_of_sending_the_client_is_believed() -> None:
    assert occurred_at(_NOW, _NOW - DAY, None) == _NOW - DAY


def test_clock_that_is_an_hour_ahead_is_corrected() -> None:
    """Conformance list 12: sent at now + 1 h, happened at now + 59 min, so it happened a minute ago."""
    assert occurred_at(_NOW, _NOW + 59 * MINUTE, _NOW + HOUR) == _NOW - MINUTE


def test_old_time_with_a_fresh_sending_stays_old() -> None:
    assert occurred_at(_NOW, _NOW - 400 * DAY, _NOW - SECOND) == _NOW - 400 * DAY + SECOND


@pytest.mark.parametrize("sent_at", [None, _NOW])
def test_nothing_happens_after_its_arrival(sent_at: int | None) -> None:
    assert occurred_at(_NOW, _NOW + DAY, sent_at) == _NOW


def test_nothing_happens_before_1970() -> None:
    assert occurred_at(_NOW, 0, _NOW + DAY) == 0
