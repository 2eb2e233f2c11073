"""The few shapes that every answer shares."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from shared.clock import to_text

_T = TypeVar("_T")

Instant = Annotated[
    int,
    PlainSerializer(to_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-25T19:10:20.000001Z"]}),
]
"""Microseconds inside, RFC 3339 in UTC on the wire."""


class Wire(BaseModel):
    """A part of an answer; never changed once made, and made from anything that has its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Page(Wire, Generic[_T]):
    """Some rows of a list; ``next`` is what to pass as ``after`` for more, or null at the end."""

    data: list[_T]
    next: str | None


Anything = dict[str, Any]
"""JSON that is the caller's own."""
