"""The errors of the streaming core and its adapters. The type is the instruction to whoever catches it.

::

    TragtError
    |-- Fenced            another owner advanced the position: roll back, read it again, go on
    |-- Transient         the database or the broker is away or gave up: roll back, back off, same batch again
    |   `-- Unavailable   durability cannot be had in time: the door answers 503 with Retry-After
    |-- Oversized         a record is larger than the log takes: refuse that item
    |-- PositionLost      retention passed the position: stop and name it, a human decides
    |-- InvalidRecord     bytes that are not a message: refuse them with the reason, go on
    |-- RefusalLimit      too many refusals in a row: it is our bug, not their data; stop
    `-- Misconfigured     a setting, a schema or a data folder is wrong: say what to do, exit
"""

from shared.vocabulary import Code


class TragtError(Exception):
    """Base of all errors that tragt raises on purpose. ``code`` is stable, the docstring is the default message."""

    code = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class Fenced(TragtError):
    """Another owner has advanced this position; read it again."""

    code = "fenced"


class Transient(TragtError):
    """The database or the broker did not answer; try the same batch again."""

    code = "transient"


class Unavailable(Transient):
    """The log did not confirm in time; nothing is acknowledged, send it again."""

    code = "unavailable"


class Oversized(TragtError):
    """A record is larger than the log takes."""

    code = "oversized"


class PositionLost(TragtError):
    """Retention has passed the position; records were lost and a human must decide."""

    code = "position_lost"


class InvalidRecord(TragtError):
    """The bytes of a record are not a message of its topic."""

    code = "invalid_record"

    def __init__(self, reason: Code, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RefusalLimit(TragtError):
    """Too many records in a row were refused; this looks like a fault of ours, so the consumer stops."""

    code = "refusal_limit"


class Misconfigured(TragtError):
    """A setting, a schema or a data folder is wrong."""

    code = "misconfigured"
