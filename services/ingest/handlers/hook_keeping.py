"""Making, listing and ending hooks, for the API and the command line."""

import secrets as entropy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.ingest import store
from services.ingest.domain import hook
from services.ingest.domain.hook import Secrets
from services.ingest.handlers.hook_providers import providers
from services.ingest.protocols.webhook import Provider
from services.ingest.queries import KeptHook
from services.ingest.store import HookRow
from shared.access import digest_of
from shared.clock import to_text
from shared.database.session import WriteSession
from shared.errors import FieldFault, InvalidRequest, NotFound


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook just made: ``text`` ends its address and is shown once."""

    prefix: str
    provider: str
    text: str = field(repr=False)

    @property
    def path(self) -> str:
        """Where the provider posts, on the address of ingest."""
        return f"/v1/hooks/{self.provider}/{self.text}"


async def create_hook(
    session: WriteSession,
    workspace: UUID,
    provider: str,
    now: int,
    *,
    name: str = "",
    secrets: Secrets | None = None,
    settings: Mapping[str, Any] | None = None,
) -> NewHook:
    """Make a hook. Without the secrets that its provider needs it only answers handshakes. Raises InvalidRequest."""
    _check(_provider(provider), secrets or {}, settings or {})
    text = hook.mint(entropy.token_bytes(hook.ENTROPY_BYTES))
    made = NewHook(hook.prefix_of(text), provider, text)
    row = HookRow(
        workspace_id=workspace,
        prefix=made.prefix,
        provider=provider,
        name=name,
        digest=digest_of(text),
        secrets=hook.seal(text, secrets or {}, entropy.token_bytes(hook.NONCE_BYTES)),
        settings=dict(settings or {}),
        created_at=now,
    )
    await store.add_hook(session, row)
    return made


async def put_secrets(session: WriteSession, workspace: UUID, provider: str, text: str, secrets: Secrets) -> None:
    """Put other secrets in place of all; takes the hook's whole text, which they are sealed with.

    Raises InvalidRequest, NotFound.
    """
    _check(_provider(provider), secrets, {})
    sealed = hook.seal(text, secrets, entropy.token_bytes(hook.NONCE_BYTES))
    if not await store.put_hook_secrets(session, workspace, hook.prefix_of(text), digest_of(text), sealed):
        raise NotFound("there is no such hook that works")


async def end_hook(session: WriteSession, workspace: UUID, prefix: str, now: int) -> None:
    """End a hook, named by its prefix or whole; doors refuse it within a few seconds. Raises NotFound."""
    if not await store.revoke_hook(session, workspace, "_".join(prefix.split("_")[:2]), now):
        raise NotFound("there is no such hook that works")


def told(kept: KeptHook) -> dict[str, Any]:
    """A hook as it is listed: never what its address ends in, nor its secrets."""
    return {
        "prefix": kept.prefix,
        "provider": kept.provider,
        "name": kept.name,
        "settings": kept.settings,
        "created_at": to_text(kept.created_at),
        "revoked_at": None if kept.revoked_at is None else to_text(kept.revoked_at),
    }


def _provider(name: str) -> Provider:
    found = providers().get(name)
    if found is None:
        raise InvalidRequest(FieldFault("/provider", "unknown_value", f"one of {', '.join(providers())}"))
    return found


def _check(provider: Provider, secrets: Secrets, settings: Mapping[str, Any]) -> None:
    faults = [
        FieldFault(f"/{part}/{name}", "unknown_field", f"{provider.title} has {', '.join(known) or 'none'}")
        for part, given, known in (
            ("secrets", secrets, provider.secrets),
            ("settings", settings, provider.settings),
        )
        for name in given
        if name not in known
    ]
    if faults:
        raise InvalidRequest(*faults)
