"""Takes what providers deliver: the hook, the provider's own signature, the items, the provider's own answer."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

import msgspec
import structlog

from services.ingest.handlers.accepting import Door, Receipt
from services.ingest.handlers.allowances import Allowances
from services.ingest.handlers.hook_cache import HookCache, OpenHook
from services.ingest.handlers.hook_completion import Completion
from services.ingest.handlers.hook_providers import provider_for
from services.ingest.handlers.hook_tokens import HookTokens
from services.ingest.handlers.outbound import Outbound
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.splitting import Split
from services.ingest.protocols.webhook import (
    Doubted,
    Knock,
    Known,
    Provider,
    Reply,
    Verdict,
    Verified,
    Wanted,
    open_hook,
)
from services.ingest.protocols.webhook_handshakes import HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS, credentials
from shared.clock import SECOND
from shared.errors import RateLimited, TooLarge, Unavailable
from shared.instruments import INGEST_TURNED_AWAY
from shared.telemetry import Telemetry

_MAX_ITEMS: Final = 10_000
_PIECE: Final = 250
"""Items that are read at once: each costs about 0.1 ms."""

_MAX_CERTIFICATES: Final = 64
_UNVERIFIED: Final = "unverified"
_OK: Final = 200


class Hooks:
    """The way in for providers, in front of the door."""

    def __init__(
        self,
        cache: HookCache,
        door: Door,
        *,
        allowances: Allowances,
        tokens: HookTokens,
        outbound: Outbound,
        graph_address: str,
        telemetry: Telemetry,
    ) -> None:
        self._cache = cache
        self._door = door
        self._allowances = allowances
        self._tokens = tokens
        self._outbound = outbound
        self._completion = Completion(outbound, graph_address)
        self._telemetry = telemetry
        self._log = structlog.get_logger("hooks")
        self._certificates: dict[str, bytes] = {}

    async def find(self, provider: str, text: str) -> OpenHook:
        """The hook of an address. Raises NotFound, Unavailable."""
        return await self._cache.find(provider, text)

    def check_rate(self, hook: OpenHook) -> None:
        """Let a delivery in, or not, before its body is read.

        Raises RateLimited; Unavailable where the provider would not come again after that, and while much waits.
        """
        self._allowances.advice(hook.principal)
        try:
            self._allowances.check(hook.principal)
        except RateLimited as error:
            status = provider_for(hook.kept).limited_status
            if status == _OK:
                self._allowances.check_room(hook.principal)
                return
            self._telemetry.count(INGEST_TURNED_AWAY, 1, (error.code,))
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            raise Unavailable(str(error)) from None

    async def receive(self, hook: OpenHook, knock: Knock) -> Reply:
        """What the provider is answered. Raises Transient: nothing is acknowledged then, and providers send again."""
        provider, known = provider_for(hook.kept), _known(hook)
        if knock.method != "POST":
            handshake = HANDSHAKES.get(provider.handshake)
            return handshake(knock, known) if handshake else Reply()
        verdict = await self._verdict(provider, knock, known)
        if isinstance(verdict, Doubted):
            hook = await self._cache.again(hook)  # who is doubted has perhaps just given other secrets
            known = _known(hook)
            verdict = await self._verdict(provider, knock, known)
        if not isinstance(verdict, Verified):
            return self._doubt(hook, provider, verdict)
        if verdict.confirm:
            return await self._confirm(verdict.confirm)
        token = None
        if verdict.once:
            expires_at = knock.now + 2 * provider.window_seconds * SECOND
            token = await self._tokens.claim(hook.kept, verdict.once, knock.body, expires_at)
            if token is None:
                return self._doubt(hook, provider, Doubted("its token was used by a delivery before"))
        receipt = await self._take(hook, provider, knock, known)
        if token is not None:
            await self._tokens.spend(token)
        return provider.reply or _told(receipt)

    async def _take(self, hook: OpenHook, provider: Provider, knock: Knock, known: Known) -> Receipt:
        """Piece by piece, so that one long delivery does not keep everybody else waiting."""
        parcel = open_hook(provider, knock)
        if parcel.split.refusal is not None:
            return await self._door.accept(hook.principal, parcel)
        items = parcel.split.items
        if len(items) > _MAX_ITEMS:
            raise TooLarge(f"a delivery has at most {_MAX_ITEMS} items")
        if provider.complete:
            items = await self._completion.meta(items, known)
        pieces = [Parcel(Split(items[at : at + _PIECE]), parcel.reader) for at in range(0, len(items), _PIECE)]
        receipts = [await self._door.accept(hook.principal, piece) for piece in pieces]
        rejected = tuple(item for receipt in receipts for item in receipt.rejected)
        return Receipt(sum(receipt.accepted for receipt in receipts), rejected)

    async def _verdict(self, provider: Provider, knock: Knock, known: Known) -> Verdict:
        lacking = credentials(knock, known)
        if lacking:
            return lacking
        absent = [name for name in sorted(provider.required) if not known.all(name)]
        if absent:
            return Doubted(f"the hook was not given its {', '.join(absent)} yet")
        if not provider.signature:
            return Verified()
        verify = VERIFIERS[provider.signature]
        verdict = verify(knock, known)
        if isinstance(verdict, Wanted):
            certificate = await self._certificate(verdict.address)
            verdict = verify(knock, replace(known, fetched={verdict.address: certificate}))
        return verdict

    async def _certificate(self, address: str) -> bytes:
        held = self._certificates.get(address)
        if held is None:
            fetched = await self._outbound.get(address)
            if fetched.status != _OK:
                raise Unavailable("the provider's certificate could not be fetched")
            if len(self._certificates) >= _MAX_CERTIFICATES:
                self._certificates.clear()
            held = self._certificates[address] = fetched.body
        return held

    async def _confirm(self, address: str) -> Reply:
        if (await self._outbound.get(address)).status != _OK:
            raise Unavailable("the provider did not take our confirmation")
        return Reply(body="confirmed")

    def _doubt(self, hook: OpenHook, provider: Provider, verdict: Verdict) -> Reply:
        doubted = verdict if isinstance(verdict, Doubted) else Doubted("it could not be verified")
        reason = doubted.reason
        self._log.warning("hook.doubted", hook=hook.kept.prefix, provider=hook.kept.provider, reason=reason)
        self._telemetry.count(INGEST_TURNED_AWAY, 1, (_UNVERIFIED,))
        status = HTTPStatus.UNAUTHORIZED if doubted.asks_basic else provider.doubted_status
        return Reply(status, f"not taken: {reason}", asks_basic=doubted.asks_basic)


def _known(hook: OpenHook) -> Known:
    window = provider_for(hook.kept).window_seconds
    return Known(secrets=hook.secrets, settings=hook.kept.settings, window_seconds=window)


def _told(receipt: Receipt) -> Reply:
    """How much was taken. What was refused is kept with its reason, so the provider need not send it again."""
    body = msgspec.json.encode({"accepted": receipt.accepted, "rejected": len(receipt.rejected)}).decode()
    return Reply(body=body, content_type="application/json")
