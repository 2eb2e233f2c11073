"""``GET /v1/pixel.gif`` and ``GET /v1/click``: opens and clicks of mails and ads."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.api.browser import GIF
from services.ingest.api.gate import Gate
from services.ingest.domain.machine import machine_of
from services.ingest.domain.target import location_of, origin_of
from services.ingest.handlers.recording import Recording
from services.ingest.protocols.click_token import seal
from services.ingest.protocols.links import Link, Route, Visit, item_of, person_of, read_link, signing_key
from services.ingest.protocols.native import READER
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.splitting import Split
from shared.access import Principal
from shared.clock import Clock
from shared.errors import FieldFault, InvalidRequest, TragtError, Unauthenticated
from shared.http.auth import is_loopback, matches_origin
from shared.http.problems import problem_of, respond
from shared.identity_key import make
from shared.instruments import INGEST_TURNED_AWAY
from shared.telemetry import Telemetry
from shared.vocabulary import KeyType

_NO_STORE: Final = {"cache-control": "no-store", "x-robots-tag": "noindex"}
_PURPOSES: Final = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_STRANGER: Final = "~"
"""Begins an anonymous id that is made for one click: behind all that browsers make, so that it never is the strand of
a touchpoint that carries both, but is linked to the browser's own."""

_PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>This link cannot be followed</title>
<h1>This link cannot be followed</h1>
<p>Why: {why}.</p>
<p>Please tell whoever sent it to you, or go to their site yourself.</p>
</html>
"""


def router(
    recording: Recording, gate: Gate, clock: Clock, telemetry: Telemetry, make_id: Callable[[], str]
) -> APIRouter:
    """Both routes, for HEAD too: scanners of mails ask that way."""
    links = _Links(recording, gate, clock, telemetry, make_id)
    routes = APIRouter(tags=["links"])
    for path, follow, answers in (
        ("/v1/pixel.gif", links.pixel, documented.PIXEL),
        ("/v1/click", links.click, documented.CLICK),
    ):
        status = documented.success_of(answers)
        routes.add_api_route(
            path, follow, methods=["GET"], status_code=status, responses=answers, response_class=Response
        )
        routes.add_api_route(path, follow, methods=["HEAD"], include_in_schema=False)
    return routes


@dataclass(frozen=True, slots=True)
class _Followed:
    """A link that somebody follows, whose it is, and whether the workspace made it as it is."""

    link: Link
    principal: Principal
    is_signed: bool
    visit: Visit


@dataclass(frozen=True, slots=True)
class _Links:
    """The two routes."""

    recording: Recording
    gate: Gate
    clock: Clock
    telemetry: Telemetry
    make_id: Callable[[], str]

    async def pixel(self, request: Request) -> Response:
        """A picture in a mail or an ad was shown. Always the picture: a mail program can do nothing with an error."""
        try:
            await self._record(self._followed(Route.PIXEL, request))
        except TragtError as error:
            self._turn_away(error)
        return Response(GIF, media_type="image/gif", headers=_NO_STORE)

    async def click(self, request: Request) -> Response:
        """A link was clicked: 302 to `to`, if the link is signed or `to` is on a site that the key is allowed on."""
        try:
            followed = self._followed(Route.CLICK, request)
            address = _checked(followed)
        except TragtError as error:
            self._turn_away(error)
            return _page(error, request)
        await self._record(followed)
        location = location_of(address, _token(followed))
        return Response(status_code=302, headers={"location": location, **_NO_STORE})

    def _followed(self, route: Route, request: Request) -> _Followed:
        link = read_link(route, request.scope["query_string"])
        principal = self.gate.named(link.get("k"))
        is_signed = link.is_signed_with(signing_key(principal.secret, principal.key_prefix))
        if not is_signed and not self.gate.knows_write_key(link.get("k")):
            raise Unauthenticated("this link is not signed, and its write key is not a whole one")
        header = request.headers.get
        agent = header("user-agent", "")
        visit = Visit(
            now=self.clock.now(),
            machine=machine_of(agent, " ".join(header(name, "") for name in _PURPOSES).lower(), request.method),
            user_agent=agent,
            languages=header("accept-language", ""),
            stranger=_STRANGER + self.make_id() if route is Route.CLICK else "",
        )
        return _Followed(link, principal, is_signed, visit)

    async def _record(self, followed: _Followed) -> None:
        """Hand the touchpoint in the link to the door, if there is one."""
        link = followed.link
        item = item_of(link, followed.visit, is_signed=followed.is_signed)
        if item is None:
            self.telemetry.count(INGEST_TURNED_AWAY, 1, ("link_of_nobody",))
            return
        try:
            self.gate.ration(followed.principal)
        except TragtError as error:  # whoever clicked goes on all the same
            self._turn_away(error)
            return
        await self.recording.record(followed.principal, Parcel(Split([item]), READER), link.route.value)

    def _turn_away(self, error: TragtError) -> None:
        self.telemetry.count(INGEST_TURNED_AWAY, 1, (problem_of(error).code,))


def _checked(followed: _Followed) -> str:
    """The target, if a browser may be sent there. Raises InvalidRequest."""
    address = followed.link.get("to")
    origin = origin_of(address)
    if origin is None:
        raise InvalidRequest(FieldFault("to", "invalid_value", "its target is not a plain http or https address"))
    if not followed.is_signed and not _is_listed(origin, followed.principal):
        detail = "its target is not a site of whoever made it, and it is not signed; it may have been changed"
        raise InvalidRequest(FieldFault("to", "not_allowed", detail))
    return address


def _token(followed: _Followed) -> str:
    """What tells the landing page's tracker who came; empty for machines, for other people's sites, when unwanted."""
    link, visit, principal = followed.link, followed.visit, followed.principal
    origin = origin_of(link.get("to"))
    if visit.machine or link.get("join") == "0" or origin is None or not _is_own(origin, principal):
        return ""
    key = person_of(link, principal.secret) if followed.is_signed else None
    if key is None and not link.get("anonymous_id"):
        key = make(KeyType.ANONYMOUS_ID, visit.stranger)
    return "" if key is None else seal(key, visit.now, principal.secret)


def _is_own(origin: str, principal: Principal) -> bool:
    """Whether it is a site on which the key may be used."""
    return is_loopback(origin) or _is_listed(origin, principal)


def _is_listed(origin: str, principal: Principal) -> bool:
    """Whether the key names it. Pages of the reader's own machine, where keys work too, are nobody else's to open."""
    return any(matches_origin(pattern, origin) for pattern in principal.origins)


def _page(error: TragtError, request: Request) -> Response:
    """Why a link is not followed, for the person who clicked it; as a problem for programs that ask for one."""
    problem = problem_of(error)
    if problem.status != HTTPStatus.SERVICE_UNAVAILABLE:
        problem = replace(problem, status=HTTPStatus.BAD_REQUEST)
    if "json" in request.headers.get("accept", ""):
        return respond(problem, _NO_STORE)
    again = {"retry-after": str(problem.retry_after_seconds)} if problem.retry_after_seconds else {}
    body = _PAGE.format(why=escape(problem.detail))
    return Response(body, problem.status, {**_NO_STORE, **_PAGE_HEADERS, **again}, "text/html")
