"""Model versions on the wire."""

from typing import Final

from pydantic import Field

from services.scoring.schemas.wire import Anything, Instant, Wire


class ModelVersion(Wire):
    """A version. ``published_at`` is null for the template, which held before the first published version."""

    version: int
    name: str
    published_at: Instant | None


class ModelVersions(Wire):
    """All versions, newest first; ``next`` is null, there is one page."""

    data: list[ModelVersion]
    next: None = None


class WrittenModel(ModelVersion):
    """A version with its text (YAML, as it was published) and what the text says."""

    body: str
    model: Anything


class ValidModel(Wire):
    """A model that may be published."""

    valid: bool = True
    name: str
    stages: list[str] = Field(description="Names in order, as leads will show them.")


VERSION_EXAMPLE: Final = {"version": 2, "name": "b2b", "published_at": "2026-11-25T19:10:20.000001Z"}
VERSIONS_EXAMPLE: Final = {
    "data": [VERSION_EXAMPLE, {"version": 1, "name": "b2b", "published_at": None}],
    "next": None,
}
WRITTEN_EXAMPLE: Final = {
    **VERSION_EXAMPLE,
    "body": "name: b2b\nstages:\n  - {name: awareness, enter_when: {touched: true}}\n",
    "model": {"name": "b2b", "stages": [{"name": "awareness", "enter_when": {"touched": True}}]},
}
VALID_EXAMPLE: Final = {"valid": True, "name": "b2b", "stages": ["awareness"]}
