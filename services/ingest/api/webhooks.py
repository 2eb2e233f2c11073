"""Hooks: where providers deliver, and where an administrator makes and ends them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.ingest import schemas
from services.ingest.api import documented
from services.ingest.api.intake import ClientGone, Intake
from services.ingest.handlers.hook_cache import HookCache
from services.ingest.handlers.hook_keeping import NewHook, create_hook, end_hook, put_secrets, put_settings, told
from services.ingest.handlers.hooks import Hooks
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.hook_trial import Sample
from services.ingest.protocols.webhook import Knock, Reply
from services.ingest.queries import list_hooks
from services.ingest.settings import IngestSettings
from shared.clock import Clock
from shared.database.connection import Engine
from shared.database.session import reading, writing
from shared.errors import Forbidden, InvalidRequest, NotFound, Transient, Unauthenticated
from shared.http.auth import Administrator
from shared.http.problems import responses

_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, NotFound, Transient)
_METHODS: Final = ("POST", "GET", "HEAD")
_UNAUTHORIZED: Final = 401
_DESCRIPTION: Final = (
    "The provider's own rules: its signature over the raw bytes, its handshake, its answer. docs/connect has one page "
    "per provider. 200 means: durable; 401 (406 for Mailgun): not signed as it should be; 429, or 503 to those who "
    "give up on that: send it again."
)

Prefix = Annotated[str, Path(description="How the hook begins, as the list shows it, or the whole hook.")]


def deliveries(hooks: Hooks, clock: Clock, settings: IngestSettings, intake: Intake) -> APIRouter:
    """``/v1/hooks/{provider}/{hook}``, with and without a final slash."""
    routes = APIRouter(tags=["hooks"])

    async def deliver(request: Request, provider: str, hook: str) -> Response:
        """One request of a provider."""
        opened = await hooks.find(provider, hook)
        if request.method == "POST":
            hooks.check_rate(opened)
        async with _held(request, intake) as sent:
            encoding = request.headers.get("content-encoding", "").encode("latin-1")
            body = decompressed(sent, encoding, settings.limit.body_bytes)
            address = opened.kept.settings.get("address") or settings.public_address
            return _response(await hooks.receive(opened, _knock(request, str(address or ""), body, clock.now())))

    for slash in ("", "/"):
        for method in _METHODS:
            routes.add_api_route(
                f"/v1/hooks/{{provider}}/{{hook}}{slash}",
                deliver,
                methods=[method],
                summary="A provider delivers",
                description=_DESCRIPTION,
                include_in_schema=not slash and method == "POST",
                responses=documented.DELIVERY,
                response_class=Response,
            )
    return routes


@asynccontextmanager
async def _held(request: Request, intake: Intake) -> AsyncIterator[bytes]:
    """The body, counted among what the process holds until the request is answered.

    Raises TooLarge, Unavailable, ClientDisconnect.
    """
    try:
        body = await intake.read(request.receive)
    except ClientGone:
        raise ClientDisconnect from None
    try:
        yield body
    finally:
        intake.give_back(len(body))


def administration(clock: Clock) -> APIRouter:
    """``/v1/hooks``: making, listing, changing, ending."""
    router = APIRouter(prefix="/v1/hooks", tags=["hooks"], responses=_ERRORS)

    @router.post("", summary="Make a hook", status_code=201)
    async def create(request: Request, who: Administrator, asked: schemas.HookAsked) -> schemas.HookMade:
        """Its address is shown this once; secrets are sealed under it and never shown."""
        async with writing(_engine(request)) as session:
            made = await create_hook(
                session,
                who.workspace,
                asked.provider,
                clock.now(),
                name=asked.name,
                secrets=_several(asked.secrets),
                settings=asked.settings,
                sample=None if asked.sample is None else Sample(asked.sample.encode(), asked.content_type),
            )
        await _cache(request).load()
        return _made(made)

    @router.get("", summary="The workspace's hooks, oldest first")
    async def listed(request: Request, who: Administrator) -> schemas.HookList:
        """Revoked ones too."""
        async with reading(request.state.reader, who.workspace) as session:
            rows = await list_hooks(session, who.workspace)
        return schemas.HookList(data=[schemas.HookListed(**told(row)) for row in rows])

    @router.delete("/{prefix}", summary="End a hook", status_code=204)
    async def revoke(request: Request, who: Administrator, prefix: Prefix) -> None:
        """What comes to it then is answered 404."""
        async with writing(_engine(request)) as session:
            await end_hook(session, who.workspace, prefix, clock.now())
        await _cache(request).load()

    _add_changes(router)
    return router


def _add_changes(router: APIRouter) -> None:
    """Other secrets, other settings."""

    @router.put("/{provider}/{hook}/secrets", summary="Put a hook's secrets in place", status_code=204)
    async def secrets(
        request: Request, who: Administrator, provider: str, hook: str, asked: schemas.HookSecrets
    ) -> None:
        """All of them at once. Give old and new while a provider changes over."""
        async with writing(_engine(request)) as session:
            await put_secrets(session, who.workspace, provider, hook, _several(asked.secrets))
        await _cache(request).load()

    @router.put("/{prefix}/settings", summary="Put a hook's settings in place", status_code=204)
    async def settings(request: Request, who: Administrator, prefix: Prefix, asked: schemas.HookSettings) -> None:
        """All of them at once; its address stays. Processes know within two seconds."""
        async with writing(_engine(request)) as session:
            await put_settings(session, who.workspace, prefix, asked.settings)
        await _cache(request).load()


def _url(request: Request, public: str) -> str:
    """The address as the provider has it, which some sign: behind a proxy what is public is not what is asked for."""
    scope = request.scope
    begin = public or f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    query = scope["query_string"].decode("latin-1")
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return begin.rstrip("/") + path.decode("latin-1") + (f"?{query}" if query else "")


def _knock(request: Request, public: str, body: bytes, now: int) -> Knock:
    query = request.scope["query_string"].decode("latin-1")
    return Knock(
        method=request.method,
        url=_url(request, public),
        query=dict(parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="replace")),
        headers=dict(request.scope["headers"]),
        body=body,
        now=now,
    )


def _response(reply: Reply) -> Response:
    headers = {"content-type": reply.content_type, "x-content-type-options": "nosniff"}
    if reply.status == _UNAUTHORIZED:  # which must name a scheme; who signs cannot answer Basic
        headers["www-authenticate"] = f'{"Basic" if reply.asks_basic else "Signature"} realm="tragt"'
    return Response(reply.body, reply.status, headers=headers)


def _several(secrets: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in secrets.items()}


def _made(made: NewHook) -> schemas.HookMade:
    return schemas.HookMade(prefix=made.prefix, provider=made.provider, hook=made.text, path=made.path)


def _engine(request: Request) -> Engine:
    engine: Engine = request.state.writer
    return engine


def _cache(request: Request) -> HookCache:
    cache: HookCache = request.state.hooks
    return cache
