"""Schemas of kinds of touchpoints: published in versions, put in force, tried."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Request

from services.ingest.api import schema_shapes as shapes
from services.ingest.handlers.schemas import SchemaRegistry
from services.ingest.queries import KeptSchema, KeptVersion, KeptViolation, list_schemas, list_versions, list_violations
from shared.clock import to_text
from shared.database.session import reading
from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.auth import Administrator
from shared.http.problems import responses

_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, NotFound, Conflict, Transient)
_SCHEMA: Final = {
    "type": "object",
    "required": ["plan"],
    "properties": {"plan": {"enum": ["free", "pro"]}, "seats": {"type": "integer", "minimum": 1}},
}
_PUBLISHED: Final = {"properties": _SCHEMA, "mode": "warn"}
_SAMPLED: Final = {"properties": _SCHEMA, "touchpoints": [{"properties": {"plan": "pro", "seats": "three"}}]}

router: Final = APIRouter(prefix="/v1/schemas", tags=["schemas"], responses=_ERRORS)


@router.get("", summary="Which kinds have a schema")
async def list_kinds(request: Request, who: Administrator) -> shapes.SchemaList:
    """All that ever had one, by name."""
    async with reading(request.state.reader, who.workspace) as session:
        found = await list_schemas(session, who.workspace)
    return shapes.SchemaList(data=[shapes.SchemaListed(**_listed(one)) for one in found])


@router.get("/{kind}", summary="A kind's schema, all its versions, and what violated them")
async def show(request: Request, who: Administrator, kind: str) -> shapes.SchemaWhole:
    """The latest version first. Counted are violations of what was taken; what was refused is at `/v1/rejected`."""
    async with reading(request.state.reader, who.workspace) as session:
        found = next((one for one in await list_schemas(session, who.workspace) if one.kind == kind), None)
        versions = await list_versions(session, who.workspace, kind)
        violations = await list_violations(session, who.workspace, kind)
    if found is None:
        raise NotFound("this kind has no schema: `tragt schemas list` shows those that have one")
    listed = _listed(found) | {
        "versions": [_version(one) for one in versions],
        "violations": [_violations(one) for one in violations],
    }
    return shapes.SchemaWhole(**listed)


@router.post("/{kind}", summary="Publish a version and put it in force")
async def publish(
    request: Request,
    who: Administrator,
    kind: str,
    asked: Annotated[shapes.SchemaAsked, Body(examples=[_PUBLISHED])],
) -> shapes.SchemaListed:
    """Within two seconds in every process. The latest version once more makes no other."""
    found = await _registry(request).publish(who, kind, _document(asked), asked.mode)
    return shapes.SchemaListed(**_listed(found))


@router.post("/{kind}/try", summary="Hold touchpoints against a schema")
async def attempt(
    request: Request,
    who: Administrator,
    kind: str,
    asked: Annotated[shapes.SchemaSamples, Body(examples=[_SAMPLED])],
) -> shapes.SamplesTried:
    """One that is not published, or without one that in force. Only `properties` and `traits` are looked at."""
    samples = asked.touchpoints if isinstance(asked.touchpoints, list) else [asked.touchpoints]
    found = await _registry(request).attempt(who, kind, _document(asked), samples)
    told = [[shapes.Violation(pointer=one.pointer, detail=one.detail) for one in sample] for sample in found]
    return shapes.SamplesTried(data=[shapes.SampleTried(violations=sample) for sample in told])


@router.patch("/{kind}", summary="Change the mode, or the version in force")
async def change(request: Request, who: Administrator, kind: str, asked: shapes.SchemaChanged) -> shapes.SchemaListed:
    """`active` may be an earlier version, or null: then the kind has no schema. Within two seconds in every process."""
    is_retired = "active" in asked.model_fields_set and asked.active is None
    found = await _registry(request).change(who, kind, asked.mode, asked.active, is_retired=is_retired)
    return shapes.SchemaListed(**_listed(found))


def _registry(request: Request) -> SchemaRegistry:
    found: SchemaRegistry = request.state.schema_registry
    return found


def _document(asked: shapes.SchemaAsked | shapes.SchemaSamples) -> Mapping[str, Any]:
    said = {"properties": asked.properties, "traits": asked.traits}
    return {name: schema for name, schema in said.items() if schema is not None}


def _listed(one: KeptSchema) -> dict[str, Any]:
    return asdict(one) | {"updated_at": to_text(one.updated_at)}


def _version(one: KeptVersion) -> shapes.SchemaVersion:
    document = msgspec.json.decode(one.document)
    return shapes.SchemaVersion(
        version=one.version,
        properties=document.get("properties"),
        traits=document.get("traits"),
        created_at=to_text(one.created_at),
    )


def _violations(one: KeptViolation) -> shapes.SchemaViolations:
    return shapes.SchemaViolations(**asdict(one) | {"last_at": to_text(one.last_at)})
