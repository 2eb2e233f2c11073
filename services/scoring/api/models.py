"""``/v1/models``: the versioned model by which leads are scored."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from services.scoring.api.answering import answer, example
from services.scoring.api.parameters import Asking
from services.scoring.domain import model_file
from services.scoring.handlers import modelling
from services.scoring.handlers.desk import Asker
from services.scoring.handlers.modelling import Version
from services.scoring.schemas.model import (
    VALID_EXAMPLE,
    VERSION_EXAMPLE,
    VERSIONS_EXAMPLE,
    WRITTEN_EXAMPLE,
    ModelVersion,
    ModelVersions,
    ValidModel,
    WrittenModel,
)
from shared.access import Principal, Scope
from shared.errors import (
    Conflict,
    FieldFault,
    Forbidden,
    InvalidRequest,
    NotFound,
    TooLarge,
    Transient,
    Unauthenticated,
)
from shared.http.auth import require
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1/models", tags=["models"], responses=responses(Unauthenticated, Forbidden, InvalidRequest, Transient)
)

Publisher = Annotated[Principal, Depends(require(Scope.ADMIN))]
"""A caller who may change by what rules leads are scored."""

_TEXT: Final = {"schema": {"type": "string"}, "example": WRITTEN_EXAMPLE["body"]}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The model as YAML, or the same as JSON. Its `version` is not read: the server numbers them.",
        "content": {
            "application/yaml": _TEXT,
            "application/json": {"schema": {"type": "object"}, "example": WRITTEN_EXAMPLE["model"]},
        },
    }
}


@router.get("", response_model=ModelVersions, responses=example(VERSIONS_EXAMPLE))
async def get_models(request: Request, asking: Asking) -> Response:
    """All versions, newest first. The last is the template, which holds until a version is published."""
    found = [_shown(version) for version in await modelling.versions(asking)]
    return answer(request, ModelVersions(data=found))


@router.get("/{version}", response_model=WrittenModel, responses={**example(WRITTEN_EXAMPLE), **responses(NotFound)})
async def get_model(request: Request, version: Annotated[int, Path(ge=0, le=2**31 - 1)], asking: Asking) -> Response:
    """One version with its text."""
    found = await modelling.version(asking, version)
    number, name, published_at = found.version
    model = model_file.loaded(found.body)
    shown = WrittenModel(version=number, name=name, published_at=published_at, body=found.body, model=model)
    return answer(request, shown)


@router.post(
    "/validate",
    response_model=ValidModel,
    openapi_extra=_BODY,
    responses={**example(VALID_EXAMPLE), **responses(TooLarge)},
)
async def validate_model(request: Request, publisher: Publisher) -> Response:
    """Whether a model could be published; 422 says where it is wrong, and what is expected there."""
    found = await modelling.examine(_asker(request, publisher), await _text(request))
    return answer(request, ValidModel(name=found.model.name, stages=[stage.name for stage in found.model.stages]))


@router.post(
    "/publish",
    status_code=201,
    response_model=ModelVersion,
    openapi_extra=_BODY,
    responses={
        201: {"content": {"application/json": {"example": VERSION_EXAMPLE}}},
        **responses(Conflict, TooLarge),
    },
)
async def publish_model(request: Request, publisher: Publisher) -> Response:
    """Publish a version, in force from the next whole second on; what was told under earlier ones stays told.

    Leads follow one after the other and are `stale` until then. 409 when the newest version says the same.
    """
    asker = _asker(request, publisher)
    published = await modelling.publish(asker, request.state.pool, await _text(request))
    return answer(request, _shown(published), 201)


def _asker(request: Request, publisher: Principal) -> Asker:
    state = request.state
    return Asker(
        engine=state.engine,
        worlds=state.worlds,
        workspace=publisher.workspace,
        secret=publisher.secret,
        now=state.clock.now(),
    )


async def _text(request: Request) -> str:
    """The body as text. Raises InvalidRequest, and TooLarge before all of it is held."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > model_file.MOST_BYTES:
            raise TooLarge(f"a model has at most {model_file.MOST_BYTES} bytes")
    try:
        return held.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(FieldFault("", "invalid_model", "a model is text in UTF-8")) from error


def _shown(version: Version) -> ModelVersion:
    return ModelVersion(version=version.number, name=version.name, published_at=version.published_at)
