"""The providers there are: one file each, package data, read once."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import yaml

from services.ingest.protocols.parcel import Reader
from services.ingest.protocols.webhook import PROTOCOL, HookReader, Provider, provider_of

_SUFFIX: Final = ".yaml"


@cache
def providers() -> Mapping[str, Provider]:
    """Every provider by its name, which is that of its file. Raises InvalidMapping when a file of ours is wrong."""
    folder = resources.files("services.ingest") / "providers"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    named = ((name.removesuffix(_SUFFIX), (folder / name).read_text(encoding="utf-8")) for name in files)
    return {name: provider_of(name, yaml.safe_load(text)) for name, text in named}


def hook_reader_of(protocol: str) -> Reader | None:
    """What reads items that were refused from a provider; None when the name is none of these."""
    family, _, name = protocol.partition(".")
    provider = providers().get(name) if family == PROTOCOL else None
    return HookReader(provider) if provider else None
