import re
from pathlib import Path

import yaml

from services.scoring.domain.model import parse

PAGE = Path("docs/models.md").read_text()


def test_the_example_is_a_model() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert example is not None
    model = parse(yaml.safe_load(example[1]))

    assert [stage.name for stage in model.stages] == ["awareness", "interest"]
    assert [rule.name for rule in model.points_rules] == ["pricing_viewed", "ebook"]


def test_every_condition_of_the_template_is_explained() -> None:
    template = yaml.safe_load(Path("services/scoring/templates/b2b.yaml").read_text())

    for name in condition_names(template["statuses"]) | condition_names(template["stages"]):
        assert f"`{name}: " in PAGE, name


def condition_names(source: object) -> set[str]:
    """The names of all conditions in this part of a model."""
    if isinstance(source, list):
        return set().union(*map(condition_names, source))
    if not isinstance(source, dict):
        return set()
    found = set().union(*(condition_names(value) for value in source.values()))
    for place in ("when", "unless", "enter_when", "reenter_when"):
        found |= set(source.get(place, {}))
    for parts in (source.get("any", []), source.get("all", [])):
        found |= {name for part in parts for name in part}
    return found
