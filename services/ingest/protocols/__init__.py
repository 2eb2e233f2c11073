"""One pure parser per wire format: bytes in, touchpoints or refusals out. No I/O, no clock, no randomness."""
