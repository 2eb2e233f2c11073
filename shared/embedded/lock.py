"""One instance per data folder, by a lock that the kernel lets go of when its holder dies, however it dies."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Misconfigured

_NAME = "lock"


class AlreadyRunning(Misconfigured):
    """Another instance runs on this data folder."""

    code = "already_running"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the folder while the block runs. Children do not inherit the lock. Raises AlreadyRunning, Misconfigured."""
    descriptor = _open(folder)
    try:
        if not _take(descriptor):
            raise AlreadyRunning(
                f"tragt already runs on {folder}: see `tragt status`, end it with `tragt down`, or use another --data"
            )
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        return os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = (
            f"cannot use {folder} for data ({error.strerror}): another account started on it, or choose another --data"
        )
        raise Misconfigured(message) from error


def is_held(folder: Path) -> bool:
    """Whether an instance runs on the folder now."""
    try:
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True
