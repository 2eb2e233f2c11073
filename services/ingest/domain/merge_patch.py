"""JSON merge patches (RFC 7396) on the bytes of an item: what a patch does not name stays as it was sent."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def merged(payload: bytes, patch: Mapping[str, Any]) -> bytes:
    """With the patch applied. Raises ValueError when the payload is not JSON, RecursionError when it is too deep."""
    try:
        msgspec.json.decode(payload.decode("utf-8"))
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return msgspec.json.encode(_merged(payload, patch))


def _merged(target: bytes | msgspec.Raw, patch: Mapping[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = dict(_members(target))
    for name, value in patch.items():
        if value is None:
            members.pop(name, None)
        elif isinstance(value, Mapping):
            members[name] = _merged(members.get(name, b"{}"), value)
        else:
            members[name] = value
    return members


def _members(target: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Those of an object; what is none has none, as the RFC says."""
    try:
        return _MEMBERS.decode(target)
    except msgspec.ValidationError:
        return {}
