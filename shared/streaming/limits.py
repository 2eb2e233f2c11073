"""What a log may take: sizes and times, the same for both implementations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a producer. Records are refused above ``max_record_bytes``, appends above ``max_in_flight_bytes``."""

    delivery_deadline_seconds: float = 5.0
    max_record_bytes: int = 1_048_576
    max_in_flight_bytes: int = 64 * 1_048_576
    max_batch_bytes: int = 1_048_576
    linger_seconds: float = 0.003
