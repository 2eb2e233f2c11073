"""What the numbers of a funnel mean, in words that stand beside them."""

from services.metrics.domain.cycle import STEPS
from services.metrics.domain.duration import PRECISION, WINDOWS
from services.metrics.domain.question import Basis, Question
from shared.clock import DAY


def definition_of(question: Question, source: str) -> str:
    """One paragraph for a reader of the answer."""
    first = STEPS[question.entry]
    if question.basis is Basis.PERIOD:
        counted = (
            "Moves into each step made in the period, whenever the cycle began. Ratios divide moves by moves of the"
            " same period, so they are throughput, not conversion of the same leads, and may exceed 1."
        )
    else:
        counted = (
            f"Cycles (one trip of a lead along the main path) that entered {first} in the period, and how far they have"
            " come since. A step passed over counts as reached. Open cycles are neither converted nor lost."
        )
    return " ".join(
        filter(None, [counted, _window(question), f"Times are those of the moves made, {PRECISION}.", _cost(source)])
    )


def _window(question: Question) -> str:
    if question.window is None:
        return ""
    note = "" if question.window in WINDOWS else " Times beyond the window are left out."
    return (
        f"Counted within {question.window / DAY:g} days of {STEPS[question.entry]}, inclusive;"
        f" mature are those whose window was over.{note}"
    )


def _cost(source: str) -> str:
    return "" if source == "cells" else "No sums are kept for this question: it was counted from the leads in range."
