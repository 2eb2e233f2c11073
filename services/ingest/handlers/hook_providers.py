"""The providers there are: one file each, package data, read once; and those that a workspace describes itself."""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

import msgspec
import yaml

from services.ingest.domain.nearest import one_of
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.parcel import Reader
from services.ingest.protocols.webhook import PROTOCOL, HookReader, Provider, provider_of
from services.ingest.protocols.webhook_handshakes import HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS
from services.ingest.queries import KeptHook
from shared.errors import Unavailable

MAPPED: Final = "mapped"
"""The provider of hooks that bring their own document."""

DOCUMENT: Final = "document"
"""The setting in which they bring it."""

TRIED: Final = f"{MAPPED}.th_HOOK"
"""How ids begin in a trial, before there is a hook whose prefix they begin with."""

_TAKEN: Final = 200
_SUFFIX: Final = ".yaml"
_DEFAULTS: Final = {"title": "a mapped hook", "body": "any"}


@cache
def providers() -> Mapping[str, Provider]:
    """Every provider by its name, which is that of its file. Raises InvalidMapping when a file of ours is wrong."""
    return {name: provider_of(name, document) for name, document in _documents().items()}


@cache
def _documents() -> Mapping[str, Any]:
    folder = resources.files("services.ingest") / "providers"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    named = ((name.removesuffix(_SUFFIX), (folder / name).read_text(encoding="utf-8")) for name in files)
    return {name: yaml.safe_load(text) for name, text in named}


def hook_reader_of(protocol: str) -> Reader | None:
    """What reads items that were refused from a provider; None when the name is none of these."""
    family, _, name = protocol.partition(".")
    provider = providers().get(name) if family == PROTOCOL else None
    return HookReader(provider) if provider else None


def provider_for(kept: KeptHook) -> Provider:
    """The provider of a hook, as the hook was set.

    Raises Unavailable, so that what is sent comes again, when a later version of ours takes its mapping no more.
    """
    if kept.provider == MAPPED:
        try:
            return _compiled(f"{MAPPED}.{kept.prefix}", msgspec.json.encode(kept.settings[DOCUMENT]))
        except InvalidMapping as error:
            raise Unavailable(f"the mapping of this hook is not taken any more: {error}") from None
    provider = providers()[kept.provider]
    chosen = {name: kept.settings[name] for name in provider.choices & kept.settings.keys()}
    return _chosen(provider.name, kept.prefix, msgspec.json.encode(chosen, order="sorted")) if chosen else provider


def own_provider(document: Any, name: str = MAPPED) -> Provider:
    """The provider that a workspace's own document describes. Raises InvalidMapping."""
    if not isinstance(document, dict):
        raise InvalidMapping(("", "a mapped hook is described by an object with a mapping"))
    provider = provider_of(name, {**_DEFAULTS, **document})
    faults = [
        (f"/{field}", one_of(value, known))
        for field, value, known in (
            ("signature", provider.signature, VERIFIERS),
            ("handshake", provider.handshake, HANDSHAKES),
        )
        if value and value not in known
    ]
    if provider.limited_status == _TAKEN:
        faults.append(("/limited_status", "a mapped hook keeps to the rate: one of 429, 503"))
    if provider.choices:
        faults.append(("/choices", "a mapped hook says it in its mapping"))
    if provider.complete:
        faults.append(("/complete", "a mapped hook asks nobody for more"))
    if faults:
        raise InvalidMapping(*faults)
    return provider


@lru_cache(maxsize=256)
def _chosen(name: str, hook: str, settings: bytes) -> Provider:
    return provider_of(name, _documents()[name], hook, msgspec.json.decode(settings))


@lru_cache(maxsize=256)
def _compiled(name: str, document: bytes) -> Provider:
    return own_provider(msgspec.json.decode(document), name)
