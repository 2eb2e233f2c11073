"""Refused items: listed, shown, repaired and replayed."""

import base64
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request

from services.ingest import schemas
from services.ingest.handlers.replaying import Replay, Replayed
from services.ingest.queries import KeptItem, find_rejected, list_rejected
from shared.clock import to_text
from shared.database.connection import Engine
from shared.database.session import reading
from shared.errors import Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.auth import Administrator
from shared.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses
from shared.vocabulary import Code

_LIST: Final = "rejected"
_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, NotFound, Transient)

router: Final = APIRouter(prefix="/v1/rejected", tags=["rejected"], responses=_ERRORS)


@router.get("", summary="Refused items, latest first")
async def list_items(
    request: Request,
    who: Administrator,
    code: Code | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> schemas.KeptList:
    """Of this workspace, whoever refused them: the door or a worker behind it."""
    before = decode_cursor(_LIST, after, tuple[int, str]) if after else None
    async with reading(_engine(request), who.workspace) as session:
        rows = await list_rejected(session, who.workspace, code=code, before=before, limit=limit + 1)
    more = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(_LIST, (more.received_at, more.id)) if more else None
    return schemas.KeptList(data=[schemas.Kept(**_told(row)) for row in rows[:limit]], next=following)


@router.post("/replay", summary="Try refused items again, by code")
async def replay_by_code(request: Request, who: Administrator, asked: schemas.ReplayByCode) -> schemas.Replayed:
    """The latest that wait, as if they came when they first came. An item keeps its id, so nothing counts twice."""
    async with reading(_engine(request), who.workspace) as session:
        rows = await list_rejected(
            session,
            who.workspace,
            code=asked.code,
            before=None,
            limit=asked.limit,
            waiting_only=True,
            with_payload=True,
        )
    return _outcome(await _replay(request).replay(who, rows))


@router.get("/{item_id}", summary="One refused item with its payload")
async def show_item(request: Request, who: Administrator, item_id: str) -> schemas.KeptWhole:
    """With its own bytes."""
    item = await _find(request, who, item_id)
    payload, encoding = _payload_of(item)
    return schemas.KeptWhole(**_told(item), payload=payload, payload_encoding=encoding)


@router.patch("/{item_id}", summary="Repair a refused item", status_code=200)
async def repair_item(request: Request, who: Administrator, item_id: str, asked: schemas.Repair) -> schemas.KeptWhole:
    """Put a repaired payload in its place; replay it then."""
    await _replay(request).repair(who, item_id, msgspec.json.encode(asked.payload))
    return await show_item(request, who, item_id)


@router.post("/{item_id}/replay", summary="Try one refused item again")
async def replay_item(request: Request, who: Administrator, item_id: str) -> schemas.Replayed:
    """As if it came when it first came."""
    return _outcome(await _replay(request).replay(who, [await _find(request, who, item_id)]))


async def _find(request: Request, who: Administrator, item_id: str) -> KeptItem:
    async with reading(_engine(request), who.workspace) as session:
        item = await find_rejected(session, who.workspace, item_id)
    if item is None:
        raise NotFound("there is no refused item of that id")
    return item


def _engine(request: Request) -> Engine:
    engine: Engine = request.state.reader
    return engine


def _replay(request: Request) -> Replay:
    replay: Replay = request.state.replay
    return replay


def _told(item: KeptItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "code": item.code,
        "pointer": item.pointer,
        "detail": item.detail,
        "protocol": item.protocol,
        "refused_by": item.refused_by,
        "received_at": to_text(item.received_at),
        "replayed_at": None if item.replayed_at is None else to_text(item.replayed_at),
    }


def _payload_of(item: KeptItem) -> tuple[str, str]:
    payload = item.payload or b""
    try:
        return payload.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode("ascii"), "base64"


def _outcome(replayed: Replayed) -> schemas.Replayed:
    refused = [
        schemas.Refused(id=item_id, code=why.code, pointer=why.pointer, detail=why.detail)
        for item_id, why in replayed.refused
    ]
    return schemas.Replayed(accepted=replayed.accepted, refused=refused)
