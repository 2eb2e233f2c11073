"""``/v1/identities``: corrections of who is who."""

from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Body, Depends, Header, Request, Response

from services.scoring.api.answering import answer
from services.scoring.handlers import naming, splitting
from services.scoring.handlers.desk import Asker
from services.scoring.handlers.splitting import Split
from services.scoring.schemas.split import EXAMPLE, REQUEST_EXAMPLE, NamedKey, SplitAccepted, SplitRequest
from shared.access import Principal, Scope
from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated, Unavailable
from shared.http.auth import require
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1/identities",
    tags=["identities"],
    responses=responses(Unauthenticated, Forbidden, NotFound, Conflict, InvalidRequest, Transient, Unavailable),
)

Writer = Annotated[Principal, Depends(require(Scope.LEADS_WRITE))]
"""A caller who may correct leads."""

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, description="The same key and body again are the same split.")
]


@router.post(
    "/split",
    status_code=202,
    response_model=SplitAccepted,
    responses={202: {"content": {"application/json": {"example": EXAMPLE}}}},
)
async def split_identity(
    request: Request,
    writer: Writer,
    asked: Annotated[SplitRequest, Body(openapi_examples={"device": {"value": REQUEST_EXAMPLE}})],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Cut a key from the lead it was joined to by mistake; what it did alone becomes its own again.

    Joins said later hold. 409 shows to whom the key belongs when that is not `from_key`.
    """
    state = request.state
    asker = Asker(
        engine=state.engine,
        worlds=state.worlds,
        workspace=writer.workspace,
        secret=writer.secret,
        now=state.clock.now(),
    )
    wanted = Split(
        key=_key(writer.secret, asked.key, "/key"),
        owner=_key(writer.secret, asked.from_key, "/from_key"),
        token=idempotency_key or uuid4().hex,
        by=writer.key_prefix,
    )
    done = await splitting.split(asker, state.producer, wanted)
    return answer(request, SplitAccepted(touchpoint_id=done.touchpoint_id, occurred_at=done.at), 202)


def _key(secret: bytes, said: NamedKey | str, pointer: str) -> str:
    if isinstance(said, str):
        return naming.canonical(said, pointer)
    return naming.key_named(secret, said.type, said.value, pointer)
