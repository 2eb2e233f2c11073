"""Which leads stand behind a number, as text that a link can carry: ``head`` of a step, then ``tail`` of its group."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from services.metrics.domain.cycle import ATTRIBUTES, STEPS
from services.metrics.domain.question import Basis


class Part(StrEnum):
    """Which of the leads at a step."""

    ENTERED = "entered"
    """All that reached it."""
    CONVERTED = "converted"
    """Those that went on to the next step."""
    LEFT = "left"
    """Those whose cycle ended here."""
    STILL_OPEN = "still_open"
    """Those that neither went on nor left, and still may."""
    OUT_OF_TIME = "out_of_time"
    """Those that did neither within the window, which is over."""


class Rest(StrEnum):
    """The one value that no attribute has: all values above the cap of their dimension together."""

    REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The leads counted at ``step`` of a funnel from ``entry`` over ``[start, end)``, in microseconds.

    Entries before ``cut`` are mature: their window is over. ``where`` narrows by attributes.
    """

    basis: Basis
    entry: int
    step: int
    start: int
    end: int
    window: int | None
    cut: int
    where: tuple[tuple[str, str | Rest | None], ...]


_SPLIT: Final = "/"


def head(cell: Cell, step: int) -> str:
    """The part of the text that differs from step to step."""
    return f"{cell.basis.value}.{STEPS[cell.entry]}.{STEPS[step]}"


def tail(cell: Cell) -> str:
    """The part of the text that all steps of a group share."""
    numbers = f".{cell.start}.{cell.end}.{cell.window or 0}.{cell.cut}"
    return numbers + "".join(_SPLIT + _condition(name, value) for name, value in cell.where)


def of_text(text: str) -> Cell:
    """The cell in a text, decoded once. Raises ValueError when it is not one of ours."""
    first, *conditions = text.split(_SPLIT)
    basis, entry, step, *numbers = first.split(".")
    start, end, window, cut = (int(number) for number in numbers)
    cell = Cell(
        basis=Basis(basis),
        entry=STEPS.index(entry),
        step=STEPS.index(step),
        start=start,
        end=end,
        window=window or None,
        cut=cut,
        where=tuple(_conditions(conditions)),
    )
    if cell.step < cell.entry or max(abs(start), abs(end), abs(cut), window) >= 1 << 62:
        raise ValueError("the steps or instants of this cell cannot be")
    return cell


@lru_cache(maxsize=4096)
def _condition(name: str, value: str | Rest | None) -> str:
    if value is None:
        return name
    return f"{name}!" if isinstance(value, Rest) else f"{name}={quote(quote(value, safe=''), safe='')}"


def _conditions(texts: list[str]) -> Iterator[tuple[str, str | Rest | None]]:
    for text in texts:
        name, equals, value = text.partition("=")
        attribute = name.removesuffix("!")
        if attribute not in ATTRIBUTES:
            raise ValueError("there is no such attribute")
        if equals:
            yield attribute, unquote(value)
        else:
            yield attribute, Rest.REST if name.endswith("!") else None
