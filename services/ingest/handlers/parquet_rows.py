"""A Parquet file's rows as lines of JSON, from what a process reads to what it writes.

In a process of its own whose memory is bounded: two kilobytes may unpack to gigabytes, and no table of contents can be
trusted to say so.
"""

import resource
import sys
from typing import Final

import pyarrow as arrow
from pyarrow import parquet

from services.ingest.domain.file_import import ROWS_AT_ONCE
from services.ingest.protocols.import_rows import value_row

_MAX_MEMORY: Final = 1024 * 1024 * 1024


def main() -> str | None:
    """Write the rows; what is wrong with the file otherwise, which then is what the process says of its end."""
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    arrow.set_memory_pool(arrow.system_memory_pool())  # the usual one reserves more than it needs
    try:
        table = parquet.ParquetFile(open(0, "rb"))  # noqa: SIM115 -- the process ends with it
    except (arrow.ArrowException, OSError, ValueError) as error:
        return f"this is no Parquet file: {error}"
    try:
        for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            for row in batch.to_pylist():
                sys.stdout.buffer.write(value_row(row).raw + b"\n")
    except MemoryError:  # Arrow's own is one, too
        return f"this Parquet file unpacks to more than {_MAX_MEMORY // 1024**2} MiB at once"
    except (arrow.ArrowException, OSError, TypeError, ValueError) as error:
        return f"this Parquet file holds what has no place in JSON: {error}"
    return None
