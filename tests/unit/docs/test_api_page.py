import re
from pathlib import Path

from shared.http.problems import STATUS_BY_ERROR
from shared.vocabulary import Channel, Code, Kind

PAGE = Path("docs/api.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(title)}$\n(.*?)(?=^#+ )", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_the_codes_of_refused_items_are_exactly_those_we_have() -> None:
    assert sorted(first_cells(section("Codes of refused items"))) == sorted(code.value for code in Code)


def test_every_problem_has_its_status() -> None:
    rows = dict(re.findall(r"^\| (\d{3}) \| (.*?) \|", section("Errors"), re.MULTILINE))

    for error, status in STATUS_BY_ERROR.items():
        assert f"`{error.code}`" in rows[str(status)], error


def test_all_channels_and_kinds_with_a_meaning_are_named() -> None:
    for word in (*Channel, *Kind):
        assert f"`{word}`" in PAGE, word
