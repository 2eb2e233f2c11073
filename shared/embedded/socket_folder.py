"""Where a socket can lie: its whole path must fit into about a hundred bytes, which a deep data folder exceeds."""

import hashlib
import os
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from shared.errors import Misconfigured

_LIMIT_BYTES: Final = 107


def socket_folder(wanted: Path, name: str) -> Path:
    """``wanted`` when the path of ``name`` in it is short enough, else one among the folders for temporary files."""
    resolved = wanted.resolve()
    if len(os.fsencode(resolved / name)) <= _LIMIT_BYTES:
        return resolved
    return Path(gettempdir()) / f"tragt-{hashlib.sha256(os.fsencode(resolved)).hexdigest()[:16]}"


def make_socket_folder(wanted: Path, name: str, owner: int) -> Path:
    """The same, made if needed. Raises Misconfigured when it belongs to anybody but ``owner`` and us."""
    folder = socket_folder(wanted, name)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {owner, os.geteuid()}:
        raise Misconfigured(f"{folder} belongs to somebody else: remove it, or choose a shorter --data")
    return folder
