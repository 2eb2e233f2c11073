"""Imports of files: made, run while the file comes in, looked at."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request

from services.ingest import schemas
from services.ingest.api.documented import schema_of
from services.ingest.domain.file_import import FileImport, Format, State, format_of
from services.ingest.handlers.import_mappings import exports
from services.ingest.handlers.importing import Importer
from services.ingest.queries import list_imports
from shared.access import KeyKind, Principal, Scope
from shared.clock import to_text
from shared.database.session import reading
from shared.errors import Conflict, FieldFault, Forbidden, InvalidRequest, NotFound, Unauthenticated, Unavailable
from shared.http.auth import require
from shared.http.problems import responses
from shared.vocabulary import Code

PATH: Final = "/v1/imports"

_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, NotFound, Conflict, Unavailable)
_MAX_ASKED_BYTES: Final = 256 * 1024
_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {"anyOf": [schema_of(schemas.ImportAsked), {"description": "A file, with `format`."}]}
            },
            "text/csv": _FILE,
            "application/x-ndjson": _FILE,
            "application/vnd.apache.parquet": _FILE,
        },
    }
}


async def _importer(who: Annotated[Principal, Depends(require(Scope.INGEST))]) -> Principal:
    if who.kind is not KeyKind.SECRET:
        raise Forbidden("an import takes a secret key with the scope ingest")
    return who


Who = Annotated[Principal, Depends(_importer)]

router: Final = APIRouter(prefix=PATH, tags=["imports"], responses=_ERRORS)


@router.post("", summary="Import a file, or make an import for one", openapi_extra=_BODY)
async def create(
    request: Request,
    who: Who,
    file_format: Annotated[Format | None, Query(alias="format")] = None,
    name: Annotated[str, Query(max_length=200)] = "",
    dry_run: bool = False,
    mapping: Annotated[str, Query(max_length=100)] = "",
) -> schemas.Import:
    """A CSV, NDJSON or Parquet file of any length is imported while it comes in, and the answer says what became of it.

    `mapping` names a ready one (`GET /v1/imports/mappings`). A JSON object makes an import that waits for its file at
    `/v1/imports/{id}/rows`, with a mapping if there is one.
    """
    importer = _of(request)
    media_type = request.headers.get("content-type", "")
    if file_format is None and media_type.partition(";")[0].strip() == "application/json":
        asked = await _asked(request)
        made = await importer.create(
            who,
            file_format=asked.format,
            name=asked.name,
            mapping={"ready": asked.mapping} if isinstance(asked.mapping, str) else asked.mapping,
            is_dry_run=asked.dry_run,
        )
        return _shown(made)
    found = file_format or format_of(media_type, name)
    if found is None:
        raise InvalidRequest(FieldFault("format", "unknown_value", f"say the format: one of {', '.join(Format)}"))
    ready = {"ready": mapping} if mapping else None
    job = await importer.create(who, file_format=found, name=name, mapping=ready, is_dry_run=dry_run)
    return _shown(*await importer.run(who, job, request.stream()))


@router.post(
    "/{import_id}/rows",
    summary="Send an import's file, from its beginning",
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}},
)
async def rows(request: Request, who: Who, import_id: str) -> schemas.Import:
    """After an interruption too: rows whose outcome is durable are passed over."""
    importer = _of(request)
    return _shown(*await importer.run(who, await importer.find(who, import_id), request.stream()))


@router.get("", summary="The latest imports, the last first")
async def latest(request: Request, who: Who, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> schemas.ImportList:
    """Of this workspace."""
    async with reading(request.state.reader, who.workspace) as session:
        found = await list_imports(session, who.workspace, limit)
    return schemas.ImportList(data=[_shown(one) for one in found])


@router.get("/mappings", summary="The ready mappings")
async def mappings(_who: Who) -> schemas.ReadyMappingList:
    """Of the exports of other products, by the name under which an import takes them."""
    found = [schemas.ReadyMapping(name=name, title=one.title) for name, one in exports().items()]
    return schemas.ReadyMappingList(data=found)


@router.get("/{import_id}", summary="One import and how far it is")
async def show(request: Request, who: Who, import_id: str) -> schemas.Import:
    """Also while it runs."""
    return _shown(await _of(request).find(who, import_id))


async def _asked(request: Request) -> schemas.ImportAsked:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_ASKED_BYTES:
            raise InvalidRequest(FieldFault("", "too_large", f"this takes at most {_MAX_ASKED_BYTES} bytes"))
    try:
        return schemas.ImportAsked.model_validate_json(body)
    except ValueError:
        raise InvalidRequest(FieldFault("", "invalid_value", "send format, name, mapping and dry_run")) from None


def _of(request: Request) -> Importer:
    importer: Importer = request.state.importer
    return importer


def _shown(job: FileImport, first: dict[str, Any] | None = None) -> schemas.Import:
    return schemas.Import(
        id=job.id,
        name=job.name,
        format=Format(job.format),
        dry_run=job.is_dry_run,
        state=State(job.state),
        detail=job.detail,
        rows=job.row_count,
        accepted=job.accepted_count,
        rejected=sum(job.codes.values()),
        skipped=job.row_count - job.accepted_count - sum(job.codes.values()),
        twins=job.twin_count,
        codes={Code(code): count for code, count in job.codes.items()},
        missing=job.missing,
        timeless=job.timeless_count,
        early=job.early_count,
        same_as=job.same_as or None,
        first=first,
        refused=[schemas.RefusedRow(**row) for row in job.refused],
        created_at=to_text(job.created_at),
        updated_at=to_text(job.updated_at),
    )
