"""A fuzzer of everything that reads what strangers send: no crash, no 5xx, no slow input."""
