"""``/v1/changes``: the gap-free feed, polled or streamed."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from services.scoring.api.answering import answer, example
from services.scoring.api.presenting_change import change_of, changes_of
from services.scoring.handlers.feeding import Cursor, Feed, FeedPage
from services.scoring.schemas.change import EXAMPLE, Changes
from shared.errors import Forbidden, Gone, InvalidRequest, Transient, Unauthenticated
from shared.http.auth import Reader
from shared.http.pagination import MAX_LIMIT, decode_cursor, encode_cursor
from shared.http.problems import responses

router: Final = APIRouter(
    prefix="/v1/changes",
    tags=["changes"],
    responses=responses(Unauthenticated, Forbidden, Gone, InvalidRequest, Transient),
)

_LIST: Final = "changes"
_LATEST: Final = "latest"
_DEFAULT_LIMIT: Final = 100
_LONGEST_WAIT_SECONDS: Final = 60
_KEEP_ALIVE_SECONDS: Final = 15.0
_STREAM_PAGES: Final = 1_000
"""A stream ends after so many pages and silences, so that a revoked key does not read on for ever."""

After = Annotated[
    str | None,
    Query(
        description="The `next` of the answer before; nothing: from the oldest kept; `latest`: what comes from now on."
    ),
]


async def _feed(request: Request, reader: Reader) -> Feed:
    state = request.state
    return Feed(engine=state.engine, announcements=state.announcements, workspace=reader.workspace, epoch=state.epoch)


Feeding = Annotated[Feed, Depends(_feed)]


@router.get("", response_model=Changes, responses=example(EXAMPLE))
async def get_changes(
    request: Request,
    feed: Feeding,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = _DEFAULT_LIMIT,
    wait: Annotated[int, Query(ge=0, le=_LONGEST_WAIT_SECONDS, description="Seconds to wait for something new.")] = 0,
) -> Response:
    """Every change of every lead, once, in order, without gaps. Keep `next` and come again with it as `after`."""
    if after == _LATEST:
        page = await feed.latest()
    else:
        page = await feed.awaited(_cursor(after), limit, wait)
    return answer(request, changes_of(page, encode_cursor(_LIST, page.next)))


@router.get("/stream", response_class=StreamingResponse)
async def stream_changes(
    feed: Feeding, after: After = None, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """The same as Server-Sent Events; the `id` of each is its cursor, so that a client resumes where it was."""
    given = last_event_id or after
    first = await (feed.latest() if given == _LATEST else feed.page(_cursor(given), _DEFAULT_LIMIT))
    return StreamingResponse(
        _events(feed, first), media_type="text/event-stream", headers={"cache-control": "no-cache"}
    )


async def _events(feed: Feed, page: FeedPage) -> AsyncIterator[str]:
    """Changes as they come. What ends it (an outage, a cursor that is gone) the client meets when it comes again."""
    turns = 0
    while turns < _STREAM_PAGES and not feed.announcements.ended:
        turns += 1
        for one in page.changes:
            cursor = encode_cursor(_LIST, Cursor(page.next.epoch, one.sequence))
            yield f"id: {cursor}\nevent: change\ndata: {change_of(one).model_dump_json()}\n\n"
        if not page.changes:
            yield ": still here\n\n"
        try:
            page = await feed.awaited(page.next, _DEFAULT_LIMIT, _KEEP_ALIVE_SECONDS)
        except (Transient, Gone):
            return


def _cursor(text: str | None) -> Cursor | None:
    return decode_cursor(_LIST, text, Cursor) if text else None
