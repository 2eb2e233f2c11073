"""The files of the page: its own, and plotly.js from its installed package."""

import gzip
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Final

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file of the page."""

    content: bytes
    media_type: str

    @cached_property
    def tag(self) -> str:
        """Its ``ETag``."""
        return f'"{blake2b(self.content, digest_size=12).hexdigest()}"'

    @cached_property
    def compressed(self) -> bytes:
        """The content as gzip."""
        return gzip.compress(self.content, 6, mtime=0)


def assets() -> dict[str, Asset]:
    """Every file of the page by name. What is not here is not served."""
    found = {
        entry.name: Asset(entry.read_bytes(), _TYPES[suffix])
        for entry in files("services.metrics.dashboard").iterdir()
        if (suffix := Path(entry.name).suffix) in _TYPES
    }
    plotly = Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js")))
    return {**found, "plotly.min.js": Asset(plotly.read_bytes(), _TYPES[".js"])}
