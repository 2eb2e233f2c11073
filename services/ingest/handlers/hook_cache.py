"""Hooks from memory, so that the door asks no database per request and goes on when it is away."""

import asyncio
import hmac
from dataclasses import dataclass
from typing import Final

import structlog

from services.ingest.domain.hook import Secrets, prefix_of, unseal
from services.ingest.handlers.hook_providers import hook_reader_of, provider_for
from services.ingest.protocols.parcel import Reader
from services.ingest.protocols.webhook import PROTOCOL, HookReader
from services.ingest.queries import KeptHook, load_hooks
from shared.access import KeyKind, Principal, Scope, WireProfile, digest_of
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import NotFound, Transient, Unavailable

_RELOAD_SECONDS: Final = 2.0
_NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class OpenHook:
    """A hook that somebody came to with its whole address: who it belongs to, and its secrets in clear."""

    kept: KeptHook
    principal: Principal
    secrets: Secrets


class HookCache:
    """Every hook of the installation. ``run`` keeps it fresh; ``find`` never waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._log = structlog.get_logger("hooks")
        self._hooks: dict[str, KeptHook] | None = None
        self._open: dict[str, OpenHook] = {}
        self._is_stale = False

    async def run(self) -> None:
        """Read the hooks again and again, until cancelled. An outage is logged once and waited out."""
        while True:
            try:
                await self.load()
                self._is_stale = False
            except Transient as error:
                if not self._is_stale:
                    self._log.warning("hooks.stale", reason=str(error), known=self._hooks is not None)
                self._is_stale = True
            await asyncio.sleep(_RELOAD_SECONDS)

    async def load(self) -> None:
        """Read the hooks once. Raises Transient."""
        async with writing(self._engine) as session:
            hooks = await load_hooks(session)
        self._hooks = {hook.prefix: hook for hook in hooks}
        self._open = {text: one for text, one in self._open.items() if self._hooks.get(one.kept.prefix) == one.kept}

    def find(self, provider: str, text: str) -> OpenHook:
        """The hook of a whole address. Raises NotFound, or Unavailable when no hooks were read yet."""
        if self._hooks is None:
            raise Unavailable("the hooks have not been read from the database yet; send it again")
        held = self._open.get(text) or self._match(text)
        if held is None or held.kept.provider != provider:
            raise NotFound("there is no such hook: `tragt hooks list` shows those there are")
        return held

    def reader_of(self, protocol: str) -> Reader | None:
        """What reads items that were refused from a hook; None when there is nothing that does any more."""
        name, _, prefix = protocol.removeprefix(f"{PROTOCOL}.").partition(".")
        if not prefix:
            return hook_reader_of(protocol)
        kept = (self._hooks or {}).get(prefix)
        return HookReader(provider_for(kept)) if kept is not None and kept.provider == name else None

    def _match(self, text: str) -> OpenHook | None:
        kept = self._hooks.get(prefix_of(text)) if self._hooks else None
        if not hmac.compare_digest(digest_of(text), kept.digest if kept else _NO_DIGEST) or kept is None:
            return None
        self._open[text] = OpenHook(kept, _principal_of(kept), unseal(text, kept.secrets))
        return self._open[text]


def _principal_of(kept: KeptHook) -> Principal:
    """A hook posts touchpoints into its workspace and may do nothing else."""
    return Principal(
        workspace=kept.workspace,
        workspace_text=str(kept.workspace),
        workspace_name=kept.workspace_name,
        secret=kept.workspace_secret,
        key_prefix=kept.prefix,
        kind=KeyKind.SECRET,
        scopes=frozenset({Scope.INGEST}),
        origins=frozenset(),
        protocol=WireProfile.NATIVE,
        policy=kept.policy,
    )
