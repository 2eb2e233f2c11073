"""How commands end. Scripts may rely on these numbers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

from shared.embedded.lock import AlreadyRunning
from shared.errors import FieldFault, InvalidRequest, Misconfigured, TragtError, Transient


class Exit(IntEnum):
    """What the exit code of ``tragt`` says."""

    OK = 0
    NO = 1
    """The answer is no: differences found, something is wrong, no such lead or key."""

    MISUSED = 2
    """An argument, a setting or a file is wrong; the message says what to do."""

    AWAY = 3
    """What was asked does not answer: not running, or not reachable."""

    ALREADY_RUNNING = 4
    """Another instance runs on the data folder."""

    REFUSED = 5
    """The key is missing, not valid, or lacks the scope."""


EPILOGUE: Final = (
    "Exit codes: 0 done; 1 the answer is no (differences, something wrong, not found); 2 wrong arguments or settings;"
    " 3 not running or not reachable; 4 another instance runs on the data folder; 5 the key was refused."
)


class Ended(Exception):
    """A command ends early, with this code, saying this."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def named(faults: Iterable[FieldFault]) -> str:
    """What is wrong, each with its place."""
    return "; ".join(f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail for fault in faults)


@contextmanager
def endings() -> Iterator[None]:
    """Raise Ended for every error that tragt raises on purpose."""
    try:
        yield
    except AlreadyRunning as error:
        raise Ended(Exit.ALREADY_RUNNING, str(error)) from error
    except Misconfigured as error:
        raise Ended(Exit.MISUSED, str(error)) from error
    except Transient as error:
        raise Ended(Exit.AWAY, f"{error}: see `tragt doctor`") from error
    except InvalidRequest as error:
        raise Ended(Exit.NO, named(error.faults)) from error
    except TragtError as error:
        raise Ended(Exit.NO, str(error)) from error
