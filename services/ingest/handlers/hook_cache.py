"""Hooks from memory, so that the door asks no database per request and goes on when it is away.

Who makes a hook tries it at once. So one that is not in memory yet is looked up: all that are asked for meanwhile in
one query, and the next not before some time is over, however many come.
"""

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.ingest.domain.hook import Secrets, is_text, prefix_of, unseal
from services.ingest.handlers.hook_providers import hook_reader_of, provider_for
from services.ingest.protocols.parcel import Reader
from services.ingest.protocols.webhook import PROTOCOL, HookReader
from services.ingest.queries import KeptHook, find_hooks, load_hooks
from shared.access import KeyKind, Principal, Scope, WireProfile, digest_of
from shared.database.connection import Engine
from shared.database.session import writing
from shared.errors import NotFound, Transient, Unavailable

_RELOAD_SECONDS: Final = 2.0
_LOOK_UP_SECONDS: Final = 0.25
_MAX_WANTED: Final = 500
_NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class OpenHook:
    """A hook that somebody came to with its whole address: who it belongs to, and its secrets in clear."""

    kept: KeptHook
    principal: Principal
    secrets: Secrets
    text: str = field(repr=False)


class HookCache:
    """Every hook of the installation. ``run`` keeps it fresh; ``find`` waits for those alone that are not in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._log = structlog.get_logger("hooks")
        self._hooks: dict[str, KeptHook] | None = None
        self._open: dict[str, OpenHook] = {}
        self._is_stale = False
        self._reading = asyncio.Lock()
        self._wanted: set[str] = set()
        self._look_up: asyncio.Task[Transient | None] | None = None
        self._looked_up_at = 0.0

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
        async with self._reading:
            async with writing(self._engine) as session:
                hooks = await load_hooks(session)
            self._hold(hooks)

    async def find(self, provider: str, text: str) -> OpenHook:
        """The hook of a whole address. Raises NotFound, or Unavailable when it cannot be said whether there is one."""
        if self._hooks is None:
            raise Unavailable("the hooks have not been read from the database yet; send it again")
        if is_text(text) and prefix_of(text) not in self._hooks and not await self._looked_up(prefix_of(text)):
            raise Unavailable("the hook is not known here, and the database cannot be asked for it; send it again")
        return self._held(provider, text)

    async def again(self, hook: OpenHook) -> OpenHook:
        """The hook as the database has it now; as it is when that cannot be asked. Raises NotFound."""
        await self._looked_up(hook.kept.prefix)
        return self._held(hook.kept.provider, hook.text)

    def reader_of(self, protocol: str) -> Reader | None:
        """What reads items that were refused from a hook; None when there is nothing that does any more."""
        name, _, prefix = protocol.removeprefix(f"{PROTOCOL}.").partition(".")
        if not prefix:
            return hook_reader_of(protocol)
        kept = (self._hooks or {}).get(prefix)
        if kept is None or kept.provider != name:
            return None
        try:
            return HookReader(provider_for(kept))
        except Unavailable:
            return None

    def _held(self, provider: str, text: str) -> OpenHook:
        held = self._open.get(text) or self._match(text)
        if held is None or held.kept.provider != provider:
            raise NotFound("there is no such hook: `tragt hooks list` shows those there are")
        return held

    def _hold(self, hooks: Iterable[KeptHook]) -> None:
        held = self._hooks = {hook.prefix: hook for hook in hooks}
        self._open = {text: one for text, one in self._open.items() if held.get(one.kept.prefix) == one.kept}

    async def _looked_up(self, prefix: str) -> bool:
        """Have it looked up with all others that are wanted now; whether that went well."""
        if len(self._wanted) >= _MAX_WANTED:
            return False
        self._wanted.add(prefix)
        if self._look_up is None:
            self._look_up = asyncio.create_task(self._look_up_wanted())
        return await asyncio.shield(self._look_up) is None

    async def _look_up_wanted(self) -> Transient | None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._looked_up_at + _LOOK_UP_SECONDS - loop.time())
        async with self._reading:
            wanted, self._wanted, self._look_up = self._wanted, set(), None  # who comes from here on waits for the next
            self._looked_up_at = loop.time()
            try:
                async with writing(self._engine) as session:
                    found = await find_hooks(session, sorted(wanted))
            except Transient as error:
                return error
            others = (hook for prefix, hook in (self._hooks or {}).items() if prefix not in wanted)
            self._hold([*others, *found])
            return None

    def _match(self, text: str) -> OpenHook | None:
        kept = self._hooks.get(prefix_of(text)) if self._hooks else None
        if not hmac.compare_digest(digest_of(text), kept.digest if kept else _NO_DIGEST) or kept is None:
            return None
        self._open[text] = OpenHook(kept, _principal_of(kept), unseal(text, kept.secrets), text)
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
