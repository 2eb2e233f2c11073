"""What one revision of a shard adds to the cells, as bytes: rows of six 32-bit integers."""

from array import array
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from services.metrics.domain.contribution import Cell

COLUMNS: Final = (*Cell._fields, "count")
"""What the integers of a row are."""


def encode(cells: Mapping[Cell, int]) -> bytes:
    """The rows of ``cells``, in their order."""
    flat = array("i")
    for cell, count in cells.items():
        flat.extend(cell)
        flat.append(count)
    return flat.tobytes()


def decode(rows: bytes) -> npt.NDArray[np.int32]:
    """The rows as a read-only matrix with COLUMNS."""
    return np.frombuffer(rows, dtype=np.int32).reshape(-1, len(COLUMNS))
