"""Parquet files of every kind of column, to begin with."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pyarrow as arrow
from pyarrow import parquet

_ROWS: Final[Sequence[dict[str, Any]]] = (
    {"kind": "page_viewed", "email": "jane@shop.example", "occurred_at": datetime(2026, 11, 25, 9, 30, tzinfo=UTC)},
    {
        "kind": "order_completed",
        "user_id": "u-1",
        "amount": Decimal("129.00"),
        "currency": "EUR",
        "on": date(2026, 1, 1),
    },
    {"kind": "x", "user_id": "u", "tags": ["a", None], "inner": {"a": 1, "b": [1.5]}, "raw": b"\xff\x00", "n": 2**40},
)


@cache
def parquet_files() -> tuple[bytes, ...]:
    """A file per row, plain and compressed."""
    return tuple(_file([row], how) for row in _ROWS for how in ("none", "gzip", "snappy", "zstd"))


def _file(rows: Sequence[dict[str, Any]], compression: str) -> bytes:
    into = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(list(rows)), into, compression=compression)
    return into.getvalue()
