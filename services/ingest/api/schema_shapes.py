"""Shapes of requests and answers about schemas of kinds."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.schema import Mode


class SchemaAsked(BaseModel):
    """A new version of a kind's schema: JSON Schemas (draft 2020-12), at least one of the two."""

    model_config = ConfigDict(extra="forbid")

    properties: dict[str, Any] | None = Field(default=None, description="What `properties` must be like.")
    traits: dict[str, Any] | None = Field(default=None, description="What `traits` must be like.")
    mode: Mode | None = Field(default=None, description="What becomes of a violation; as it was, and `warn` at first.")


class SchemaChanged(BaseModel):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode | None = None
    active: int | None = Field(default=None, description="The version to be obeyed; null obeys none.")


class SchemaSamples(BaseModel):
    """Touchpoints to be held against a schema that is not published, or without one against that in force."""

    model_config = ConfigDict(extra="forbid")

    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    touchpoints: dict[str, Any] | Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1_000)]


class SchemaListed(BaseModel):
    """What is in force for a kind."""

    kind: str
    mode: Mode
    active: int | None = Field(description="The version that is obeyed, if any is.")
    versions: int
    updated_at: str


class SchemaList(BaseModel):
    """All kinds that ever had a schema."""

    data: list[SchemaListed]


class SchemaVersion(BaseModel):
    """A version as it was published."""

    version: int
    properties: dict[str, Any] | None
    traits: dict[str, Any] | None
    created_at: str


class SchemaViolations(BaseModel):
    """How often what was taken violated a place of a version; `pointer`, `detail` and `item_id` are of the latest."""

    version: int
    place: str = Field(description="Where in the version's document it says so, as a JSON pointer.")
    pointer: str
    detail: str
    item_id: str
    count: int
    last_at: str


class SchemaWhole(BaseModel):
    """A kind's schema with all its versions, the latest first."""

    kind: str
    mode: Mode
    active: int | None
    versions: list[SchemaVersion]
    violations: list[SchemaViolations]
    updated_at: str


class Violation(BaseModel):
    """Where a touchpoint is not as it should be, and what was expected there."""

    pointer: str
    detail: str


class SampleTried(BaseModel):
    """What is wrong with a touchpoint; nothing when it is as it should be."""

    violations: list[Violation]


class SamplesTried(BaseModel):
    """One entry per touchpoint."""

    data: list[SampleTried]
