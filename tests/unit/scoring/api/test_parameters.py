"""Instants in requests."""

import pytest

from services.scoring.api.parameters import read_instant
from shared.clock import DAY, HOUR


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-02T02:00:00+02:00", DAY),
        ("1970-01-01T01:00:00.000001Z", HOUR + 1),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text: str, instant: int) -> None:
    assert read_instant(text) == instant


@pytest.mark.parametrize("text", ["1970-01-02T00:00:00", "1970-01-02", "0", "now", "", None, 5])
def test_an_instant_without_its_offset_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_instant(text)
