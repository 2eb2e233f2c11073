"""Answers as bytes, and results as answers."""

from typing import Any, Final

import msgspec
from fastapi import Response

from services.metrics.api.report import steps_of
from services.metrics.domain.behind import Rest
from services.metrics.domain.cycle import STEPS
from services.metrics.handlers.funnel import FunnelResult, Value
from services.metrics.schemas import FunnelAnswer, Group, Meta, Totals, TotalsGroup
from shared.clock import DAY, to_text

JSON: Final = "application/json"
_ENCODER: Final = msgspec.json.Encoder()
_HEADERS: Final = {"cache-control": "private, no-store"}


def respond(answer: msgspec.Struct) -> Response:
    """An answer as a response that nobody stores."""
    return Response(_ENCODER.encode(answer), headers=_HEADERS, media_type=JSON)


def described(example: Any) -> dict[int | str, dict[str, Any]]:
    """OpenAPI ``responses=`` of a route that answers like the example."""
    content = msgspec.to_builtins(example)
    return {200: {"description": "OK", "content": {JSON: {"example": content}}}}


def funnel_of(result: FunnelResult, meta: Meta) -> FunnelAnswer:
    """The answer to a question."""
    question = result.question
    total, *groups = steps_of(result)
    return FunnelAnswer(
        start=to_text(question.start),
        end=to_text(question.end),
        basis=question.basis.value,
        entry=STEPS[question.entry],
        window_days=None if question.window is None else question.window / DAY,
        by=list(question.by),
        steps=total,
        groups=[
            Group(_key(question.by, values), _rest(question.by, values), steps)
            for values, steps in zip(result.keys, groups, strict=True)
        ],
        meta=meta,
    )


def totals_of(result: FunnelResult) -> Totals:
    """How many entered each step, for the live page."""
    by, names = result.question.by, STEPS[result.question.entry :]
    total, *groups = (dict(zip(names, row, strict=True)) for row in result.sums.entered.tolist())
    return Totals(
        as_of=to_text(result.known.as_of),
        entered=total,
        groups=[
            TotalsGroup(_key(by, values), _rest(by, values), entered)
            for values, entered in zip(result.keys, groups, strict=True)
        ],
    )


def _key(by: tuple[str, ...], values: tuple[Value, ...]) -> dict[str, str | None]:
    return {name: None if isinstance(value, Rest) else value for name, value in zip(by, values, strict=True)}


def _rest(by: tuple[str, ...], values: tuple[Value, ...]) -> list[str]:
    return [name for name, value in zip(by, values, strict=True) if isinstance(value, Rest)]
