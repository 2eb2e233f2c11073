"""Model files: what they may say, and what is told about those that say something else."""

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
import yaml

from services.scoring.domain.condition import InvalidModel, duration, matcher
from services.scoring.domain.model import parse
from services.scoring.domain.touchpoint import field, properties
from shared.clock import DAY, MINUTE
from tests.unit.scoring.domain.lead_history import SMALL, T0, touch


def test_the_template_is_a_model() -> None:
    text = (resources.files("services.scoring") / "templates" / "b2b.yaml").read_text()

    model = parse(yaml.safe_load(text))

    assert [stage.name for stage in model.stages] == [
        "awareness",
        "interest",
        "consideration",
        "decision",
        "action",
        "loyalty",
    ]
    assert model.visit_gap == 30 * MINUTE
    assert model.infer_email_owner


def test_an_empty_model_scores_nothing() -> None:
    model = parse({})

    assert (model.name, model.version, model.groups, model.rules, model.stages) == ("model", 1, (), (), ())


def _replaced(path: str, value: Any) -> Any:
    document = yaml.safe_load(SMALL)
    place = document
    *parents, last = path.split("/")
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("visit_gap", "soon", "visit_gap: expected a duration"),
        ("visit_gap", 30, "visit_gap: expected a duration"),
        ("engagement/limit", {"most": 3}, "engagement.limit"),
        ("engagement/groups/0/rules/0", {"name": "x"}, "expected name, when and points"),
        ("engagement/groups/0/rules/0/when", {"kind": []}, "expected a kind"),
        ("engagement/groups/0/rules/0/when", {"kind": "a", "where": []}, "where: expected a mapping"),
        ("engagement/groups/0/rules/0/when", {"kind": "a", "where": {"page.size": 1}}, "unknown field 'page.size'"),
        ("engagement/groups/0/rules/0/when", {"kind": "a", "where": {"channel": {"like": 1}}}, "expected a scalar or"),
        ("engagement/groups/0/rules/0/when", {"sort": "a"}, "expected a mapping with kind, where"),
        ("statuses/sal", {"when": {"touched": True}}, "statuses: unknown sal"),
        ("statuses/recycled", {"from": ["customer"], "when": {"touched": True}}, "recycled is reached only from"),
        ("statuses/mql/when", {"any": []}, "expected a list of conditions"),
        ("statuses/mql/when", {"moon": "full"}, "unknown condition"),
        ("statuses/mql/when", {"touched": True, "fit": {}}, "exactly one entry"),
        ("statuses/mql/when", {"engagement": {"at_least": "x"}}, "expected {at_least: number}"),
        ("statuses/mql/when", {"engagement": 50}, "expected {at_least: number}"),
        ("statuses/mql/when", {"trait": {"equals": 1}}, "expected {name:"),
        ("statuses/mql/when", {"orders": 2}, "expected a whole number"),
        ("statuses/mql/when", {"visits": {"at_least": 0}}, "expected a whole number"),
        ("statuses/mql/when", {"did": {"kind": "a", "times": True}}, "expected a whole number"),
        ("stages/0", {"name": "x"}, "stages[0].enter_when"),
    ],
)
def test_what_has_no_meaning_is_told_with_its_place(path: str, value: Any, told: str) -> None:
    with pytest.raises(InvalidModel, match=told.replace("[", r"\[").replace("{", r"\{")):
        parse(_replaced(path, value))


def test_a_model_is_a_mapping() -> None:
    with pytest.raises(InvalidModel, match="a model is a mapping"):
        parse([])


def test_durations() -> None:
    assert [duration(text, "") for text in ("1d", "2h", "3m", "4s")] == [DAY, DAY // 12, 3 * MINUTE, 4_000_000]


@pytest.mark.parametrize(
    ("test", "value", "passes"),
    [
        ("ebook", "ebook", True),
        ("ebook", None, False),
        (True, 1, False),
        (1, 1.0, True),
        ({"in": ["a", 2]}, 2, True),
        ({"in": ["a", 2]}, "b", False),
        ({"prefix": "a"}, "ab", True),
        ({"prefix": "a"}, 3, False),
        ({"at_least": 3}, 3, True),
        ({"at_least": 3}, "4", False),
        ({"at_least": 3}, True, False),
        ({"present": True}, 0, True),
        ({"present": True}, None, False),
    ],
)
def test_tests_of_a_field(test: Any, value: Any, passes: bool) -> None:
    found = matcher({"kind": "k", "where": {"properties.a": test}}, "")

    assert found.matches(touch(1, "k", T0, properties={"a": value})) is passes


_FIELDS: list[tuple[Callable[[], Any], str, Any]] = [
    (lambda: touch(1, "k", T0, path="/x"), "page.path", "/x"),
    (lambda: touch(1, "k", T0), "page.path", None),
    (lambda: touch(1, "k", T0, source="google"), "campaign.source", "google"),
    (lambda: touch(1, "k", T0, amount="9.5"), "value.amount", 9.5),
    (lambda: touch(1, "k", T0, amount="much"), "value.amount", None),
    (lambda: touch(1, "k", T0, amount="9.5"), "value.currency", "EUR"),
    (lambda: touch(1, "k", T0, country="DK"), "country", "DK"),
    (lambda: touch(1, "k", T0, properties={"a": {"b": 1}}), "properties.a.b", 1),
    (lambda: touch(1, "k", T0, properties={"a": 3}), "properties.a.b", None),
]


@pytest.mark.parametrize(("made", "name", "value"), _FIELDS)
def test_fields_of_a_touchpoint(made: Callable[[], Any], name: str, value: Any) -> None:
    assert field(made(), tuple(name.split("."))) == value


def test_properties_that_are_no_object_are_empty() -> None:
    assert properties(touch(1, "k", T0, properties=[1])) == {}
