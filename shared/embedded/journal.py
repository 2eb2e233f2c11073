"""What a child writes, kept in a file of bounded size."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_LIMIT_BYTES: Final = 32 * 2**20
_TAIL_BYTES: Final = 8 * 2**10


@dataclass(frozen=True, slots=True)
class Journal:
    """The file of one child and, beside it, its older part."""

    path: Path

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """For handing to the child, which goes on appending after the file was cut."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            yield file

    def trim(self) -> None:
        """Move what is there aside once it is large. Lines written in that instant are lost."""
        if self.path.exists() and self.path.stat().st_size > _LIMIT_BYTES:
            shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
            os.truncate(self.path, 0)

    def tail(self, lines: int, *, since: int = 0) -> list[str]:
        """The last lines written, of those behind the first ``since`` bytes (the size when the child was started)."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            size = self.path.stat().st_size
            file.seek(max(since if since <= size else 0, size - _TAIL_BYTES))  # shorter: trimmed meanwhile
            return file.read().decode(errors="replace").splitlines()[-lines:]
