"""Where a socket can lie: its whole path must fit into about a hundred bytes, which a deep data folder exceeds."""

import hashlib
import os
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from shared.errors import Misconfigured

_LIMIT_BYTES: Final = 107


def socket_folder(wanted: Path, name: str, owner: int) -> Path:
    """``wanted`` when the path of ``name`` in it is short enough, else a folder of the owner's for temporary files."""
    resolved = wanted.resolve()
    if len(os.fsencode(resolved / name)) <= _LIMIT_BYTES:
        resolved.mkdir(mode=0o700, exist_ok=True)
        return resolved
    mark = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:16]
    short = Path(gettempdir()) / f"tragt-{mark}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid not in {owner, os.geteuid()}:
        raise Misconfigured(f"{short} belongs to somebody else: remove it, or choose a shorter --data")
    return short
