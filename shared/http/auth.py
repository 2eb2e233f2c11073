"""Keys to principals, from memory: the door asks no database per request, and goes on when the database is away.

All keys are held in memory and read again every few seconds and on notice of a change, so a revoked key works for less
than ten seconds more while the database is up. While it is away the last known keys stay good: accepting touchpoints
needs the log and nothing else.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.access import AccessKey, AccessSource, KeyKind, Principal, Scope, digest_of, prefix_of, principal_of
from shared.clock import Clock
from shared.errors import Forbidden, Transient, Unauthenticated, Unavailable
from shared.http.credentials import header_key

_RELOAD_SECONDS: Final = 4.0
_RETRY_SECONDS: Final = 1.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NO_DIGEST: Final = bytes(32)


class AccessCache:
    """Every key of the installation. ``run`` keeps it fresh; ``authenticate`` never waits."""

    def __init__(self, source: AccessSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._log = structlog.get_logger("access")
        self._keys: dict[str, tuple[AccessKey, Principal]] | None = None
        self._recent: dict[str, tuple[AccessKey, Principal]] = {}
        self._is_stale = False

    async def run(self) -> None:
        """Read the keys again and again, until cancelled. An outage is logged once and waited out."""
        while True:
            if await self._reload():
                await self._source.wait_changed(_RELOAD_SECONDS)
            else:
                await asyncio.sleep(_RETRY_SECONDS)

    async def load(self) -> None:
        """Read the keys once. Raises Transient."""
        self._keys = {key.prefix: (key, principal_of(key)) for key in await self._source.load()}
        self._recent = {}

    async def check(self) -> None:
        """Raises Unavailable until the keys were read once."""
        if self._keys is None:
            raise Unavailable("the access keys have not been read from the database yet")

    def authenticate(self, presented: Iterable[str]) -> Principal:
        """The principal of the first good key. Raises Unauthenticated, or Unavailable when no keys were read yet."""
        if self._keys is None:
            raise Unavailable("the access keys have not been read from the database yet; send it again")
        told = ""
        for text in presented:
            principal = self._match(text)
            if principal is not None:
                return principal
            told = told or text
        if told:
            raise Unauthenticated("this key is unknown, revoked or expired: `tragt keys list` shows those there are")
        raise Unauthenticated

    def named(self, prefix: str) -> Principal | None:
        """The principal of a key by its prefix, for whoever proves by a signature that it is theirs.

        Raises Unavailable when no keys were read yet.
        """
        if self._keys is None:
            raise Unavailable("the access keys have not been read from the database yet; send it again")
        held = self._keys.get(prefix)
        return held[1] if held is not None and held[0].is_usable(self._clock.now()) else None

    def _match(self, text: str) -> Principal | None:
        known = self._recent.get(text)
        if known is not None:
            return known[1] if known[0].is_usable(self._clock.now()) else None
        held = self._keys.get(prefix_of(text)) if self._keys else None
        # An unknown id costs the same digest and comparison as a wrong token, so answers tell nothing about ids.
        if not hmac.compare_digest(digest_of(text), held[0].digest if held else _NO_DIGEST) or held is None:
            return None
        self._recent[text] = held  # only keys that matched, so it never grows beyond those there are
        key, principal = held
        return principal if key.is_usable(self._clock.now()) else None

    async def _reload(self) -> bool:
        try:
            await self.load()
        except Transient as error:
            if not self._is_stale:
                self._log.warning("access.stale", reason=str(error), known=self._keys is not None)
            self._is_stale = True
            return False
        if self._is_stale:
            self._log.info("access.fresh", keys=len(self._keys or ()))
        self._is_stale = False
        return True


def check_origin(principal: Principal, origin: str | None) -> None:
    """Raise Forbidden when a browser on a foreign site uses a write key. No ``Origin`` (a server) is allowed."""
    if origin is None or principal.kind is not KeyKind.WRITE or is_loopback(origin):
        return
    if not any(matches_origin(pattern, origin) for pattern in principal.origins):
        raise Forbidden(
            "this write key is not allowed on that site: `tragt keys create write --origin SITE` makes one that is"
        )


def matches_origin(pattern: str, origin: str) -> bool:
    """Whether an origin is the allowed one; the pattern may leave the port open: ``https://example.com:*``."""
    if not pattern.endswith(":*"):
        return origin == pattern
    site = pattern.removesuffix(":*")
    return origin == site or (origin.startswith(f"{site}:") and origin.removeprefix(f"{site}:").isdigit())


def is_loopback(origin: str) -> bool:
    """Whether a page of this machine sent it, whatever the port."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK


def check_scope(principal: Principal, scope: Scope) -> None:
    """Raise Forbidden when the key lacks the scope."""
    if not principal.may(scope):
        raise Forbidden(f"this key lacks the scope {scope.value}: use a secret key that has it (`tragt keys list`)")


_BEARER: Final = HTTPBearer(auto_error=False, description="A secret key `ts_...` (or a write key to post touchpoints).")


def require(scope: Scope) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the principal of the key, which must carry the scope. Lifespan state must hold ``access``."""

    async def principal(
        request: Request, _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
    ) -> Principal:
        access: AccessCache = request.state.access
        found = access.authenticate([header_key(dict(request.scope["headers"]).get(b"authorization"))])
        check_scope(found, scope)
        return found

    return principal


Reader = Annotated[Principal, Depends(require(Scope.LEADS_READ))]
"""A caller who may read leads."""

MetricsReader = Annotated[Principal, Depends(require(Scope.METRICS_READ))]
"""A caller who may read metrics."""

Administrator = Annotated[Principal, Depends(require(Scope.ADMIN))]
"""A caller who may administer the workspace."""
