"""The ready mappings there are: one file each, package data, read once."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import yaml

from services.ingest.protocols.import_ready import Export, export_of

_SUFFIX: Final = ".yaml"


@cache
def exports() -> Mapping[str, Export]:
    """Every ready mapping by its name, which is that of its file. Raises InvalidMapping if one is wrong."""
    folder = resources.files("services.ingest") / "imports"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    named = ((name.removesuffix(_SUFFIX), (folder / name).read_text(encoding="utf-8")) for name in files)
    return {name: export_of(yaml.safe_load(text)) for name, text in named}
