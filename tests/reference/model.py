"""The model file as plain dictionaries, and the parts of it that every other module asks for."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.reference.message import DAY, SECOND

Model = Mapping[str, Any]

MAIN_PATH: Final = ("anonymous", "known", "mql", "sal", "sql", "opportunity", "customer")
ENDS: Final = ("recycled", "disqualified", "lost", "churned")

_UNITS: Final = {"s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": DAY}


def load(path: Path) -> Model:
    """A model file as written."""
    model: Model = yaml.safe_load(path.read_text(encoding="utf-8"))
    return model


def duration(text: str) -> int:
    """``14d`` in microseconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


def status_rule(model: Model, name: str) -> Mapping[str, Any] | None:
    """The model's rule for ``known``, ``mql``, ``sql``, ``recycled``, ``churned`` or ``reopened``."""
    rule: Mapping[str, Any] | None = model.get("statuses", {}).get(name)
    return rule


def infers_email_owner(model: Model) -> bool:
    """Whether inference 1 is on."""
    return bool(model.get("identity", {}).get("infer_email_owner", True))


def all_leaves(model: Model) -> Iterator[tuple[str, Any, bool]]:
    """The simplest conditions of all rules of the model."""
    for rule in [*model.get("statuses", {}).values(), *model.get("stages", [])]:
        for part in ("when", "unless", "enter_when", "reenter_when"):
            if part in rule:
                yield from leaves(rule[part])


def leaves(condition: Mapping[str, Any], *, wanted: bool = True) -> Iterator[tuple[str, Any, bool]]:
    """Every simplest condition inside: its name, its content, and the truth that helps the whole to become true."""
    ((name, content),) = condition.items()
    if name in ("any", "all"):
        for part in content:
            yield from leaves(part, wanted=wanted)
    elif name == "not":
        yield from leaves(content, wanted=not wanted)
    else:
        yield name, content, wanted
