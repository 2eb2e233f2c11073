"""Snowplow's collector: events posted, in an image's address, or in a link that leads elsewhere; and its cookie."""

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import Request

from services.ingest.api.browser import Fetch, Fetches, call_of
from services.ingest.api.exchange import Answer, Call, Headers, answer_of
from services.ingest.api.gate import Gate
from services.ingest.api.posting import Surface
from services.ingest.api.sender import sender_of
from services.ingest.api.touchpoints import nothing_accepted
from services.ingest.domain.target import location_of, origin_of
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.recording import Recording
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.outcome import NOBODY, Sender
from services.ingest.protocols.snowplow import NOBODY_ID, Around
from services.ingest.protocols.snowplow_envelope import open_address, open_posted, open_redirect, parameters
from services.ingest.settings import IngestSettings
from shared.errors import InvalidRequest, NotFound, TragtError
from shared.http.problems import Problem

PATH: Final = "/com.snowplowanalytics.snowplow/tp2"
REDIRECT: Final = "/r/tp2"

GIF: Final = bytes.fromhex(
    "47494638396101000100f00000ffffff00000021f90405000000002c00000000010001000002024401003b"
)  # fmt: skip
"""The collector's own transparent point, byte for byte."""

EXAMPLE: Final[dict[str, Any]] = {
    "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
    "data": [
        {
            "e": "pv",
            "url": "https://shop.example/pricing?utm_source=google&utm_medium=cpc",
            "page": "Pricing",
            "eid": "251d616d-f763-4c32-a686-831630ed20f6",
            "dtm": "1795311637000",
            "stm": "1795311637972",
            "duid": "557bace8-802b-46ce-b2bf-62711b878736",
            "tv": "js-4.10.1",
            "tna": "sp",
            "p": "web",
        }
    ],
}

_DESCRIPTION: Final = "As Snowplow's collector: exactly 200 `ok` once durable, 400 when the body is no payload."
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_IMAGE: Final[Headers] = [
    (b"content-type", b"image/gif"),
    (b"cache-control", b"no-cache, no-store, must-revalidate"),
]
_COOKIE: Final = re.compile(rb"(?:^|;)\s*sp=([0-9a-fA-F-]{36})\s*(?:;|$)")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_YEAR_SECONDS: Final = 365 * 86_400
_ATTRIBUTES: Final = b"; Path=/; Secure; HttpOnly; SameSite=None"


@dataclass(frozen=True, slots=True)
class Collector:
    """The three routes."""

    door: Door
    gate: Gate
    recording: Recording
    settings: IngestSettings
    make_id: Callable[[], str]

    async def __call__(self, call: Call) -> Answer:
        """Events in a body: ``ok`` once all are durable, whichever of touchpoint or refused item each became."""
        limits = self.settings.limit
        visitor = _visitor_of(call, self.make_id)
        body = decompressed(call.body, call.header(b"content-encoding") or b"", limits.body_bytes)
        parcel = open_posted(body, visitor.around, limits.segment_items)
        principal = self.gate.admit(call, parcel.write_key)
        receipt = await self.door.accept(principal, parcel, visitor.sender)
        if receipt.whole is not None:
            return answer_of(nothing_accepted(receipt, 400))
        return Answer(200, b"ok", [_TEXT, *visitor.cookie])

    async def image(self, request: Request) -> Answer:
        """An event in an image's address. Whoever only asks what is there (HEAD) has seen nothing."""
        call = call_of(request)
        visitor = _visitor_of(call, self.make_id)
        if request.method == "GET":
            parcel = open_address(visitor.around)
            principal = self.gate.admit(call, parcel.write_key)
            await self.door.accept(principal, parcel, visitor.sender)
        return Answer(200, GIF, [*_IMAGE, *visitor.cookie])

    async def redirect(self, request: Request) -> Answer:
        """A link to `u`: 302 if its site is on the list (`INGEST_SNOWPLOW_REDIRECT_HOSTS`), 400 if it is not."""
        hosts = self.settings.snowplow.redirect_hosts
        if not hosts:
            raise NotFound("redirects disabled: name the sites they may lead to in INGEST_SNOWPLOW_REDIRECT_HOSTS")
        call = call_of(request)
        visitor = _visitor_of(call, self.make_id)
        uri = visitor.around.query.get("u", "")
        if not _leads_to(uri, hosts):
            return answer_of(
                Problem(status=400, code=InvalidRequest.code, detail="`u` is no address of an allowed site")
            )
        if request.method == "GET":
            # The person goes on whether or not the click could be noted.
            with contextlib.suppress(TragtError):
                parcel = open_redirect(uri, visitor.around)
                await self.recording.record(self.gate.admit(call, parcel.write_key), parcel, "snowplow_redirect")
        return Answer(302, b"", [(b"location", location_of(uri, "").encode("ascii")), *visitor.cookie])


def surface(collector: Collector) -> Surface:
    """Where events are posted: Snowplow's own path, and those that the settings name."""
    own = {f"/{path}" for path in collector.settings.snowplow.paths}
    return Surface("snowplow", _DESCRIPTION, dict.fromkeys((PATH, *sorted(own - {PATH})), collector), {PATH: EXAMPLE})


def fetches(collector: Collector) -> Fetches:
    """The images and the link; and what a collector is asked besides."""
    paths = ("/i", "/ice.png", PATH, *(f"/{path}" for path in collector.settings.snowplow.paths))
    routes: dict[str, Fetch] = dict.fromkeys(paths, collector.image)
    routes |= {REDIRECT: collector.redirect, "/health": _health, "/robots.txt": _robots}
    return Fetches("snowplow", routes, frozenset({"/i", REDIRECT}), answers_head=True)


async def _health(_request: Request) -> Answer:
    """What a collector answers while it runs."""
    return Answer(200, b"ok", [_TEXT])


async def _robots(_request: Request) -> Answer:
    """Nothing here is for search engines."""
    return Answer(200, b"User-agent: *\nDisallow: /\n", [_TEXT])


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Whose browser asks: what it says for its events, and the cookie that it is to keep or to forget."""

    around: Around
    sender: Sender
    cookie: Headers


def _visitor_of(call: Call, make_id: Callable[[], str]) -> _Visitor:
    query = parameters(call.query)
    held = _COOKIE.search(call.header(b"cookie") or b"")
    sender = sender_of(call)
    if call.header(b"sp-anonymous") is not None:
        around = Around({**query, "nuid": NOBODY_ID}, _filled({"ua": sender.user_agent}))
        return _Visitor(around, NOBODY, [_cookie("", 0)] if held else [])
    said = query.get("nuid", "")
    network = said if _UUID.fullmatch(said) else held[1].decode() if held else str(UUID(make_id()))
    # A server keeps no cookie: an id that is new each time is nobody's. A link in a mail tells no referrer.
    is_browser = held is not None or sender is not NOBODY or call.header(b"sec-fetch-mode") is not None
    otherwise = {"ua": sender.user_agent, "url": sender.referrer, "nuid": network if is_browser else ""}
    return _Visitor(Around(query, _filled(otherwise)), sender, [_cookie(network, _YEAR_SECONDS)])


def _filled(said: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in said.items() if value}


def _cookie(value: str, seconds: int) -> tuple[bytes, bytes]:
    return b"set-cookie", b"sp=%s; Max-Age=%d%s" % (value.encode("ascii"), seconds, _ATTRIBUTES)


def _leads_to(uri: str, hosts: tuple[str, ...]) -> bool:
    """Whether a browser that is sent there arrives at one of the hosts (``*.example.com``: any below)."""
    origin = origin_of(uri)
    if origin is None:
        return False
    host = origin.partition("://")[2]
    return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts)
