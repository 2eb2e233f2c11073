"""The ready mappings there are: one file each, package data, read once."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import yaml

from services.ingest.domain.file_import import FileImport, Format
from services.ingest.protocols.import_reading import KeptRows, reading_of
from services.ingest.protocols.import_ready import Export, export_of
from services.ingest.protocols.mapping import InvalidMapping

_SUFFIX: Final = ".yaml"


@cache
def exports() -> Mapping[str, Export]:
    """Every ready mapping by its name, which is that of its file. Raises InvalidMapping if one is wrong."""
    folder = resources.files("services.ingest") / "imports"
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    named = ((name.removesuffix(_SUFFIX), (folder / name).read_text(encoding="utf-8")) for name in files)
    return {name: export_of(yaml.safe_load(text)) for name, text in named}


def kept_rows(job: FileImport) -> KeptRows | None:
    """What reads rows of an import again; None when its mapping is none any more."""
    try:
        return KeptRows(job.id, reading_of(job.mapping, exports()), is_text=job.format == Format.CSV)
    except InvalidMapping:
        return None
