"""Conditions on facts as SQL. Names come from closed lists; every value is an argument."""

from collections.abc import Iterable
from typing import Any, Final

from services.metrics.domain.behind import Rest
from services.metrics.domain.contribution import DIMENSIONS, REST
from services.metrics.domain.cycle import STEPS
from services.metrics.tables import STEP_COLUMNS

FURTHEST: Final = (
    f"CASE {' '.join(f'WHEN {STEP_COLUMNS[s]} IS NOT NULL THEN {s}' for s in reversed(range(len(STEPS))))} END"
)
"""The number of the furthest step of a fact."""


class Arguments:
    """Collects arguments and gives each its place in the statement."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = list(first)

    def place(self, value: Any) -> str:
        """``$n`` for a value."""
        self.values.append(value)
        return f"${len(self.values)}"


def matching(where: Iterable[tuple[str, str | Rest | None]], arguments: Arguments) -> str:
    """The condition that every attribute is as asked, beginning with AND; empty when none is asked about."""
    return "".join(f" AND {_attribute(name, value, arguments)}" for name, value in where)


def _attribute(name: str, value: str | Rest | None, arguments: Arguments) -> str:
    if value is None:
        return f"{name} IS NULL"
    if not isinstance(value, Rest):
        return f"{name} = {arguments.place(value)}"
    return (
        "EXISTS (SELECT FROM metrics.attribute_value v WHERE v.workspace_id = fact.workspace_id"
        f" AND v.dimension = {DIMENSIONS[name]} AND v.value = fact.{name} AND v.number = {REST})"
    )
