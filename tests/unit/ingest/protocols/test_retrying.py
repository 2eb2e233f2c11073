"""A retry has the fingerprint of what it repeats; anything else has another."""

import pytest

from services.ingest.protocols.retrying import fingerprint

_FIRST = b'{"id":"a","kind":"x","sent_at":"2026-01-01T00:00:00Z","properties":{"n":1,"sent_at":"then"}}'


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (_FIRST, b'{"properties":{"sent_at":"then","n":1}, "kind":"x","id":"a"}'),
        (b'[{"e":"pv","stm":"1"}]', b'[{"stm":"2","e":"pv"}]'),
        (b'{"data":[{"e":"pv","stm":"1"},7]}', b'{"data":[{"e":"pv"},7]}'),
        (b'{"batch":[],"sentAt":"1","writeKey":"a"}', b'{"batch":[]}'),
        (b"\xff", b"\xff"),
        (b"", b""),
        (b"[" * 5_000 + b"]" * 5_000, b"[" * 5_000 + b"]" * 5_000),
    ],
)
def test_retry_has_the_same(first: bytes, again: bytes) -> None:
    assert fingerprint(first) == fingerprint(again)


@pytest.mark.parametrize(
    "other",
    [
        b'{"id":"a","kind":"y","properties":{"n":1,"sent_at":"then"}}',
        b'{"id":"a","kind":"x","properties":{"n":1,"sent_at":"now"}}',
        b'{"id":"a","kind":"x","properties":{"n":1.0,"sent_at":"then"}}',
        b'{"id":"a","kind":"x"}',
        b"{",
        b"",
    ],
)
def test_anything_else_has_another(other: bytes) -> None:
    assert fingerprint(_FIRST) != fingerprint(other)


def test_what_must_be_the_same_as_well_counts() -> None:
    assert len({fingerprint(b"x"), fingerprint(b"x", "a"), fingerprint(b"x", "a", "b"), fingerprint(b"x", "ab")}) == 4
