"""Entries of cycles as intervals."""

from services.scoring.domain.interval import intervals
from services.scoring.domain.state import Cycle, Entry, Touch

TOUCH = Touch(1, "t", "page_viewed", "web")


def status(to: str, at: int, *, implied: bool = False) -> Entry:
    return Entry("status", to, at, "rule", "t", None, implied)


def stage(to: str, at: int) -> Entry:
    return Entry("stage", to, at, "enter_when", "t")


def cycle(number: int, *entries: Entry, ended: tuple[str, int] | None = None) -> Cycle:
    exit_, at = ended or (None, None)
    return Cycle(number, TOUCH, 1, exit=exit_, exited_at=at).entered(*entries)


def shown(*cycles: Cycle) -> list[tuple[int, str, int, int | None]]:
    return [(one.cycle, one.entry.to, one.entry.at, one.until) for one in intervals(cycles)]


def test_a_lead_never_told_has_no_intervals() -> None:
    assert intervals([]) == []


def test_a_status_lasts_until_the_next_one_across_cycles() -> None:
    first = cycle(1, status("known", 1), status("mql", 5), status("recycled", 9), ended=("recycled", 9))
    second = cycle(2, status("known", 20, implied=True), status("mql", 20))

    assert shown(first, second) == [
        (1, "known", 1, 5),
        (1, "mql", 5, 9),
        (1, "recycled", 9, 20),
        (2, "known", 20, 20),
        (2, "mql", 20, None),
    ]


def test_a_stage_lasts_until_the_next_one_at_most_to_the_end_of_its_cycle() -> None:
    ended = cycle(1, status("known", 1), stage("awareness", 1), stage("interest", 4), ended=("lost", 7))
    going_on = cycle(2, status("known", 9), stage("awareness", 9))

    assert [one for one in shown(ended, going_on) if one[1] in {"awareness", "interest"}] == [
        (1, "awareness", 1, 4),
        (1, "interest", 4, 7),
        (2, "awareness", 9, None),
    ]


def test_intervals_come_in_the_order_of_their_entries() -> None:
    mixed = cycle(1, status("known", 1), stage("awareness", 1), status("mql", 3), stage("interest", 2))

    assert [one.entry.at for one in intervals([mixed])] == [1, 1, 2, 3]
