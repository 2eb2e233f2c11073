"""Refused items: listed, shown, repaired and replayed."""

import base64
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request

from services.ingest import schemas
from services.ingest.domain.merge_patch import merged
from services.ingest.handlers.replaying import Fixed, Mend, Replay, Replayed
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.mending import mending_of
from services.ingest.queries import KeptItem, Which, find_rejected, list_rejected
from shared.access import Principal
from shared.clock import from_datetime, to_text
from shared.database.connection import Engine
from shared.database.session import reading
from shared.errors import FieldFault, Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.auth import Administrator
from shared.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses
from shared.vocabulary import Code


class State(StrEnum):
    """Whether an item waits to be taken, or was since."""

    WAITING = "waiting"
    TAKEN = "taken"


_LIST: Final = "rejected"
_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, NotFound, Transient)

router: Final = APIRouter(prefix="/v1/rejected", tags=["rejected"], responses=_ERRORS)


@router.get("", summary="Refused items, latest first")
async def list_items(  # noqa: PLR0913, PLR0917 -- its parameters are those of the query
    request: Request,
    who: Administrator,
    code: Code | None = None,
    protocol: str | None = None,
    refused_by: str | None = None,
    key: str | None = None,
    since: schemas.Instant | None = None,
    until: schemas.Instant | None = None,
    state: State | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> schemas.KeptList:
    """Of this workspace, whoever refused them: the door or a worker behind it. `since` and `until`: when received."""
    asked = schemas.Which(code=code, protocol=protocol, refused_by=refused_by, key=key, since=since, until=until)
    which = _which(asked, waiting=None if state is None else state is State.WAITING)
    before = decode_cursor(_LIST, after, tuple[int, str]) if after else None
    async with reading(_engine(request), who.workspace) as session:
        rows = await list_rejected(session, who.workspace, which, before=before, limit=limit + 1)
    more = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(_LIST, (more.received_at, more.id)) if more else None
    return schemas.KeptList(data=[schemas.Kept(**_told(row)) for row in rows[:limit]], next=following)


@router.post("/replay", summary="Try refused items again, by code")
async def replay_by_code(request: Request, who: Administrator, asked: schemas.ReplayByCode) -> schemas.Replayed:
    """The latest that wait, as if they came when they first came. An item keeps its id, so nothing counts twice."""
    rows = await _waiting(request, who, Which(code=asked.code, waiting=True), asked.limit)
    return _outcome(await _replay(request).replay(who, rows))


@router.post("/fix", summary="Mend refused items and try them again")
async def fix_many(request: Request, who: Administrator, asked: schemas.FixMany) -> schemas.Fixed:
    """The latest that wait, by a patch or a mapping. One that is refused even so stays as it was, for another try."""
    mend = _mend(asked)
    rows = await _waiting(request, who, _which(asked.filter, waiting=True), asked.limit)
    fixed = await _replay(request).fix(who, rows, mend, dry_run=asked.dry_run)
    accepted = sum(one.refusal is None for one in fixed)
    return schemas.Fixed(dry_run=asked.dry_run, accepted=accepted, data=[_fixed(one, asked.dry_run) for one in fixed])


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


async def _waiting(request: Request, who: Principal, which: Which, limit: int) -> Sequence[KeptItem]:
    async with reading(_engine(request), who.workspace) as session:
        return await list_rejected(session, who.workspace, which, before=None, limit=limit, with_payload=True)


def _which(asked: schemas.Which, *, waiting: bool | None) -> Which:
    return Which(
        id=asked.id,
        key=asked.key,
        code=asked.code,
        protocol=asked.protocol,
        refused_by=asked.refused_by,
        since=None if asked.since is None else from_datetime(asked.since),
        until=None if asked.until is None else from_datetime(asked.until),
        waiting=waiting,
    )


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
        "key": item.key,
        "received_at": to_text(item.received_at),
        "replayed_at": None if item.replayed_at is None else to_text(item.replayed_at),
    }


def _mend(asked: schemas.FixMany) -> Mend:
    """Raises InvalidRequest when it is not one of the three, or is none."""
    if sum(one is not None for one in (asked.patch, asked.mapping, asked.payload)) != 1:
        raise InvalidRequest(FieldFault("", "missing", "either a patch, a mapping or a payload: one of them"))
    if asked.payload is not None:
        if asked.filter.id is None:
            raise InvalidRequest(FieldFault("/filter/id", "missing", "a payload is one item's: say which"))
        return _whole(asked.payload)
    if asked.mapping is not None:
        try:
            return mending_of(asked.mapping).mend
        except InvalidMapping as error:
            faults = [FieldFault(f"/mapping{pointer}", "invalid_value", detail) for pointer, detail in error.faults]
            raise InvalidRequest(*faults) from None
    _written(asked.patch, "/patch")
    return partial(merged, patch=asked.patch or {})


def _whole(payload: dict[str, Any]) -> Mend:
    """Puts the payload in the place of all. Raises InvalidRequest."""
    written = _written(payload, "/payload")
    return lambda _before: written


def _written(said: Any, pointer: str) -> bytes:
    """As JSON. Raises InvalidRequest."""
    try:
        return msgspec.json.encode(said)
    except UnicodeEncodeError:
        raise InvalidRequest(FieldFault(pointer, Code.NOT_JSON, "text with half of a surrogate pair")) from None


def _fixed(one: Fixed, dry_run: bool) -> schemas.FixedItem:
    why = one.refusal
    return schemas.FixedItem(
        id=one.id,
        before=one.before.decode("utf-8", "replace") if dry_run else None,
        payload=None if one.payload is None else one.payload.decode(),
        refused=None if why is None else schemas.FieldRefused(code=why.code, pointer=why.pointer, detail=why.detail),
    )


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
