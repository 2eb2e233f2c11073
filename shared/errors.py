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
    |-- Misconfigured     a setting, a schema or a data folder is wrong: say what to do, exit
    `-- Declined          a request cannot be served as asked: the caller is told what to do instead
        |-- Unauthenticated, Forbidden, NotFound, Conflict, Gone, TooLarge, UnsupportedEncoding, RateLimited
        `-- InvalidRequest    with one ``FieldFault`` per wrong field
"""

from dataclasses import dataclass

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


class Declined(TragtError):
    """The request cannot be served as asked."""

    code = "declined"


class Unauthenticated(Declined):
    """Send a key: Authorization: Bearer KEY (`tragt keys list` shows which there are)."""

    code = "unauthenticated"


class Forbidden(Declined):
    """This key may not do that."""

    code = "forbidden"


class NotFound(Declined):
    """There is no such thing, or it is not yours."""

    code = "not_found"


class Conflict(Declined):
    """The present state does not allow it."""

    code = "conflict"


class Gone(Declined):
    """It was there once and is kept no longer."""

    code = "gone"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One wrong field: a JSON pointer (or the parameter's name), a stable code and what would be right."""

    pointer: str
    code: str
    detail: str


class InvalidRequest(Declined):
    """The request is malformed."""

    code = "invalid_request"

    def __init__(self, *faults: FieldFault) -> None:
        super().__init__("; ".join(fault.detail for fault in faults) or None)
        self.faults = faults


class TooLarge(Declined):
    """The request is larger than what is taken here; send it in smaller pieces."""

    code = "too_large"


class UnsupportedEncoding(Declined):
    """The body's compression is not one of gzip and zstd, or it is damaged."""

    code = "unsupported_encoding"


class RateLimited(Declined):
    """Too many requests; wait as long as Retry-After says."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
