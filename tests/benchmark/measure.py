"""How a row is measured: pairs of the product and its control, interleaved, and the median of their ratios."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import psutil

Verdict = Literal["reached", "missed"]
Direction = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a row must reach, and whether missing it keeps the issue open."""

    direction: Direction
    value: float
    blocks: bool

    def holds(self, figure: float) -> bool:
        """Whether the figure is on the right side."""
        return figure >= self.value if self.direction == "at least" else figure <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.direction == 'at least' else '<='} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``figures`` are the ratios of the pairs; ``beside`` is what is printed for scale only."""

    name: str
    what: str
    bound: Bound
    figures: Sequence[float]
    beside: str = ""
    differing: int = field(default=0)

    @property
    def median(self) -> float:
        """The figure that decides."""
        return statistics.median(self.figures)

    @property
    def verdict(self) -> Verdict:
        """A fast run that is wrong has missed."""
        return "reached" if self.bound.holds(self.median) and not self.differing else "missed"


BLOCK: Final = True
REPORT: Final = False


def own_cpu() -> float:
    """CPU seconds of this process so far."""
    return time.process_time()


def cpu_of(pids: Sequence[int]) -> float:
    """CPU seconds of these processes so far, those of their ended children included."""
    total = 0.0
    for pid in pids:
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def server_cpu(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL server: its postmaster, its living backends and those that have ended."""
    process = psutil.Process(postmaster)
    living = [child.pid for child in process.children(recursive=True)]
    return cpu_of([postmaster]) + cpu_of([pid for pid in living if psutil.pid_exists(pid)])


async def cpu_of_block(block: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds of this process while ``block`` ran."""
    began = own_cpu()
    await block()
    return own_cpu() - began


async def paired(
    product: Callable[[int], Awaitable[float]], control: Callable[[int], Awaitable[float]], pairs: int
) -> list[tuple[float, float]]:
    """Costs of product and control, measured by turns, the order turned over each time."""
    found: list[tuple[float, float]] = []
    for number in range(pairs):
        if number % 2:
            other = await control(number)
            found.append((await product(number), other))
        else:
            own = await product(number)
            found.append((own, await control(number)))
    return found
