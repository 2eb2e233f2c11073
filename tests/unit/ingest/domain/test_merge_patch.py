"""Merge patches: the cases of RFC 7396, and bytes that a patch does not name."""

from typing import Any

import msgspec
import pytest

from services.ingest.domain.merge_patch import merged

_CASES = [
    ('{"a":"b"}', {"a": "c"}, {"a": "c"}),
    ('{"a":"b"}', {"b": "c"}, {"a": "b", "b": "c"}),
    ('{"a":"b"}', {"a": None}, {}),
    ('{"a":"b","b":"c"}', {"a": None}, {"b": "c"}),
    ('{"a":["b"]}', {"a": "c"}, {"a": "c"}),
    ('{"a":"c"}', {"a": ["b"]}, {"a": ["b"]}),
    ('{"a":{"b":"c"}}', {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ('{"a":[{"b":"c"}]}', {"a": [1]}, {"a": [1]}),
    ('{"e":null}', {"a": 1}, {"e": None, "a": 1}),
    ("[1,2]", {"a": "b", "c": None}, {"a": "b"}),
    ("{}", {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ('{"a":"foo"}', {"a": {"b": 1}}, {"a": {"b": 1}}),
]


@pytest.mark.parametrize(("payload", "patch", "expected"), _CASES)
def test_patch_is_applied_as_the_rfc_says(payload: str, patch: dict[str, Any], expected: Any) -> None:
    assert msgspec.json.decode(merged(payload.encode(), patch)) == expected


def test_what_the_patch_does_not_name_stays_byte_for_byte() -> None:
    payload = b'{"n":12345678901234567890.10,"o":{"x":1.50,"y":2},"t":"\\u0041"}'

    assert merged(payload, {"o": {"y": 3}}) == b'{"n":12345678901234567890.10,"o":{"x":1.50,"y":3},"t":"\\u0041"}'


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b'{"a":"\xff"}', b"{} {}"])
def test_what_is_not_json_is_not_patched(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        merged(payload, {"a": 1})
