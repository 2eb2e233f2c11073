"""A model as somebody wrote it: what is read of it, and where it is said to be wrong."""

from importlib import resources
from typing import Any

import pytest

from services.scoring.domain.condition import InvalidModel
from services.scoring.domain.model_file import checked, pointer, read
from tests.unit.scoring.domain.lead_history import SMALL


def test_the_templates_are_what_may_be_published() -> None:
    for file in (resources.files("services.scoring") / "templates").iterdir():
        assert checked(read(file.read_text())).name


def test_what_is_read_has_the_types_of_json() -> None:
    assert read("a: 2026-11-25\n1: [.inf, true]") == {"a": "2026-11-25", "1": [None, True]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "line 1, column 5: expected the node content"),
        ("a: &x [1]\nb: *x", "no anchors"),
        ("[" * 50 + "]" * 50, "at most 40 levels"),
        ("\x00", "no YAML"),
        ("a: !!python/name:os.system x", "line 1, column 4"),
    ],
)
def test_text_that_no_model_is(text: str, told: str) -> None:
    with pytest.raises(InvalidModel, match=told):
        read(text)


def _with(**parts: Any) -> Any:
    return {**read(SMALL), **parts}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (_with(stages=[{"name": "a", "enter_when": {"touched": True}}] * 2), "/stages/1/name"),
        (_with(stages=[{"name": "a", "enter_when": {"touched": False}}]), "/stages/0/enter_when/touched"),
        (_with(statuses={"mql": {"when": {"did": {"kind": "a", "times": 9_999}}}}), "/statuses/mql/when/did"),
        (
            _with(statuses={"mql": {"when": {"all": [{"inactive_for": "99999d"}]}}}),
            "/statuses/mql/when/all/0/inactive_for",
        ),
        (_with(fit={"rules": [{"name": "a", "when": {"trait": {"name": "b"}}, "points": 1e9}]}), "/fit/rules/0/points"),
        (
            _with(fit={"rules": [{"name": "a", "when": {"trait": {"name": "b", "in": [[]]}}, "points": 1}]}),
            "/fit/rules/0/when/trait",
        ),
        (_with(engagement={"groups": [{"name": "a", "limit": {"min": None}}]}), "/engagement/groups/0/limit/min"),
        (_with(statuses={"recycled": {"from": ["nowhere"], "when": {"touched": True}}}), "/statuses/recycled/from"),
    ],
)
def test_a_fault_is_told_with_its_place(source: Any, place: str) -> None:
    with pytest.raises(InvalidModel) as told:
        checked(source)

    assert pointer(told.value) == place
