"""Cells counted again from facts, and how they differ from those that were kept."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from services.metrics.domain.contribution import Cell


class Difference(NamedTuple):
    """A cell that is not what its facts say."""

    cell: Cell
    kept: int
    counted: int


def differences(kept: Mapping[Cell, int], counted: Counter[Cell]) -> list[Difference]:
    """The cells that differ, in their order. A cell of zero is like none."""
    return [
        Difference(cell, kept.get(cell, 0), counted.get(cell, 0))
        for cell in sorted(kept.keys() | counted.keys())
        if kept.get(cell, 0) != counted.get(cell, 0)
    ]
