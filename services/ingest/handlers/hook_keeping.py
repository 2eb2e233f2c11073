"""Making, listing and ending hooks, for the API and the command line."""

import secrets as entropy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from services.ingest import store
from services.ingest.domain import hook
from services.ingest.domain.hook import Secrets
from services.ingest.domain.nearest import one_of
from services.ingest.handlers.hook_providers import DOCUMENT, MAPPED, TRIED, own_provider, provider_for, providers
from services.ingest.protocols.hook_trial import Sample, tried
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.webhook import Provider
from services.ingest.protocols.webhook_forms import fault_of_secret, read_setting
from services.ingest.queries import KeptHook, find_hooks
from services.ingest.store import HookRow
from shared.access import digest_of
from shared.clock import to_text
from shared.database.session import WriteSession
from shared.errors import FieldFault, InvalidRequest, NotFound

_NO_SUCH: Final = "there is no such hook that works: `tragt hooks list` shows those that do"

_MAX_FAULTS: Final = 100
"""That are told of at once; to find what is near to each takes its time."""


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
    sample: Sample | None = None,
) -> NewHook:
    """Make a hook. Without the secrets that its provider needs it only answers handshakes.

    A mapped one is made only when its document takes every item of a ``sample``. Raises InvalidRequest.
    """
    if provider == MAPPED:
        described = described_by((settings or {}).get(DOCUMENT), f"/settings/{DOCUMENT}")
        _check_sample(described, sample, now)
        described = replace(described, settings={**described.settings, DOCUMENT: "what describes it"})
    else:
        described = _provider(provider)
    _check(described, secrets or {}, settings or {})
    _check_secrets(described, secrets or {})
    kept = _settings(described, settings or {})
    text = hook.mint(entropy.token_bytes(hook.ENTROPY_BYTES))
    made = NewHook(hook.prefix_of(text), provider, text)
    row = HookRow(
        workspace_id=workspace,
        prefix=made.prefix,
        provider=provider,
        name=name,
        digest=digest_of(text),
        secrets=hook.seal(text, secrets or {}, entropy.token_bytes(hook.NONCE_BYTES)),
        settings=kept,
        created_at=now,
    )
    await store.add_hook(session, row)
    return made


async def put_secrets(session: WriteSession, workspace: UUID, provider: str, text: str, secrets: Secrets) -> None:
    """Put other secrets in place of all; takes the hook's whole text, which they are sealed with.

    Raises InvalidRequest, NotFound.
    """
    described = None if provider == MAPPED else _provider(provider)  # else its document says what it takes
    if described is not None:
        _check(described, secrets, {})
    _check_secrets(described, secrets)
    sealed = hook.seal(text, secrets, entropy.token_bytes(hook.NONCE_BYTES))
    if not await store.put_hook_secrets(session, workspace, hook.prefix_of(text), digest_of(text), sealed):
        raise NotFound(_NO_SUCH)


async def put_settings(session: WriteSession, workspace: UUID, prefix: str, settings: Mapping[str, Any]) -> None:
    """Put other settings of a hook, named by its prefix or whole, in place of all but a mapped one's document.

    Raises InvalidRequest, NotFound.
    """
    begin = "_".join(prefix.split("_")[:2])
    kept = next((one for one in await find_hooks(session, [begin]) if one.workspace == workspace), None)
    if kept is None:
        raise NotFound(_NO_SUCH)
    described = provider_for(kept)
    _check(described, {}, settings)
    own = {name: kept.settings[name] for name in (DOCUMENT,) if name in kept.settings}
    if not await store.put_hook_settings(session, workspace, begin, {**own, **_settings(described, settings)}):
        raise NotFound(_NO_SUCH)


async def end_hook(session: WriteSession, workspace: UUID, prefix: str, now: int) -> None:
    """End a hook, named by its prefix or whole; doors refuse it within a few seconds. Raises NotFound."""
    if not await store.revoke_hook(session, workspace, "_".join(prefix.split("_")[:2]), now):
        raise NotFound(_NO_SUCH)


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


def described_by(document: Any, pointer: str) -> Provider:
    """The provider in a document that stands at ``pointer``. Raises InvalidRequest."""
    try:
        return own_provider(document, TRIED)
    except InvalidMapping as error:
        faults = (FieldFault(f"{pointer}{place}", "invalid_value", detail) for place, detail in error.faults)
        raise InvalidRequest(*faults) from None


def _check_sample(provider: Provider, sample: Sample | None, now: int) -> None:
    if sample is None:
        raise InvalidRequest(FieldFault("/sample", "missing", "try it first: send a body as it will come"))
    found = tried(provider, sample, now)
    if not found:
        raise InvalidRequest(FieldFault("/sample", "empty_batch", "the document finds nothing in it"))
    refused = [one.outcome for one in found if isinstance(one.outcome, Rejected)]
    if refused:
        raise InvalidRequest(*(FieldFault("/sample", one.refusal.code, one.refusal.detail) for one in refused))


def _provider(name: str) -> Provider:
    found = providers().get(name)
    if found is None:
        raise InvalidRequest(FieldFault("/provider", "unknown_value", one_of(name, [*providers(), MAPPED])))
    return found


def _check(provider: Provider, secrets: Secrets, settings: Mapping[str, Any]) -> None:
    faults = [
        FieldFault(f"/{part}/{name}", "unknown_field", f"{provider.title} has no {name}: {one_of(name, known)}")
        for part, given, known in (
            ("secrets", secrets, provider.secrets),
            ("settings", settings, provider.settings),
        )
        for name in islice((name for name in given if name not in known), _MAX_FAULTS)
    ]
    if faults:
        raise InvalidRequest(*faults)


def _check_secrets(provider: Provider | None, secrets: Secrets) -> None:
    found = ((name, fault_of_secret(provider, name, value)) for name, values in secrets.items() for value in values)
    faults = [FieldFault(f"/secrets/{name}", "invalid_value", wrong) for name, wrong in found if wrong]
    faults += [
        FieldFault(f"/secrets/{name}", "invalid_value", "a list of at least one")
        for name, values in secrets.items()
        if not values
    ]
    if faults:
        raise InvalidRequest(*faults)


def _settings(provider: Provider, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are kept."""
    read = {name: read_setting(provider, name, value) for name, value in given.items()}
    faults = [FieldFault(f"/settings/{name}", "invalid_value", wrong) for name, (_, wrong) in read.items() if wrong]
    if faults:
        raise InvalidRequest(*faults)
    return {name: value for name, (value, _) in read.items()}
