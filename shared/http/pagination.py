"""Lists: ``limit`` and an opaque ``after``. A cursor says of which list it is, and is checked like any other input."""

import base64
import binascii
from typing import Any, Final, TypeVar

import msgspec

from shared.errors import FieldFault, InvalidRequest

_P = TypeVar("_P")

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500


def encode_cursor(name: str, position: tuple[Any, ...]) -> str:
    """The cursor after ``position`` of the list ``name``."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((name, position))).rstrip(b"=").decode("ascii")


def decode_cursor(name: str, text: str, position_type: type[_P]) -> _P:
    """The position in a cursor of the list ``name``. Raises InvalidRequest when it is not one of ours."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        given, position = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
        if given == name:
            return msgspec.msgpack.decode(position, type=position_type)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        pass
    raise InvalidRequest(FieldFault("after", "invalid_cursor", "pass the `next` of the answer before, unchanged"))
